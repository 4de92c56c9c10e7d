// Drives an installed Chromium: opens a page and runs fetch() in it, as a script of the page would.
// One JSON object a line on standard input asks, one on standard output answers; the browser ends with the input.
//   {page, frame, permissions, requests: [[url, init], …], read: [header, …]}
//     → {origin, results: [{status, body, headers} or {error}, …], wire: [[method, url], …]}
// wire: what the browser sent from that page beside the page itself, preflights included.
// Argument: the path of the Chromium to use.
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// Playwright gives it a new folder for its data and removes that at the end.
const browser = await chromium.launch({ executablePath: process.argv[2], headless: true, args: FLAGS });

async function answer({ page: address, frame, permissions, requests, read }) {
  // A context of its own: no cookie and no remembered preflight of another question.
  const context = await browser.newContext({ permissions: permissions ?? [] });
  try {
    const page = await context.newPage();
    await page.goto(address);
    const planned = new Map();
    const wire = [];
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    session.on('Network.requestWillBeSent', ({ requestId, request }) => planned.set(requestId, request));
    // Chromium also announces what a failed preflight then keeps it from sending; this comes from its network stack.
    session.on('Network.requestWillBeSentExtraInfo', ({ requestId }) => wire.push(requestId));
    const where = frame ? page.frames()[1] : page;
    const results = [];
    for (const [url, init] of requests) {
      results.push(await where.evaluate(inPage, [url, init ?? {}, read ?? []]));
    }
    const origin = await where.evaluate(() => self.origin);
    await session.send('Network.disable'); // its answer comes after every event
    return { origin, results, wire: wire.map((id) => [planned.get(id)?.method, planned.get(id)?.url]) };
  } finally {
    await context.close();
  }
}

// Runs in the page: it sees what any script there sees.
async function inPage([url, init, read]) {
  try {
    const response = await fetch(url, init);
    const headers = Object.fromEntries(read.map((name) => [name, response.headers.get(name)]));
    return { status: response.status, body: await response.text(), headers };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let result;
  try {
    result = await answer(JSON.parse(line));
  } catch (error) {
    result = { failed: String(error) };
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
await browser.close();
