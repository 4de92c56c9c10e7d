// Opens a page in the installed Chromium and talks there over `new WebSocket`, as a page's own script would.
// Arguments: the path of the Chromium, the page's address, a JSON list of [address, protocols, messages].
// One JSON list on standard output: {opened, protocol, extensions, received, code, reason, clean} for each.
import { chromium } from 'playwright-core';

const [path, address, sockets] = process.argv.slice(2);
const flags = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
const browser = await chromium.launch({ executablePath: path, headless: true, args: flags });
try {
  const page = await browser.newPage();
  await page.goto(address);
  const results = [];
  for (const socket of JSON.parse(sockets)) results.push(await page.evaluate(talk, socket));
  process.stdout.write(JSON.stringify(results));
} finally {
  await browser.close();
}

// Runs in the page. Sends the messages one after the other, each when the one before was answered. A message is a
// text, {bytes} or {close}.
function talk([url, protocols, messages]) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    socket.binaryType = 'arraybuffer';
    const result = { opened: false, received: [] };
    const next = () => {
      const message = messages.shift();
      if (message === undefined) return;
      if (message.close) socket.close(...message.close);
      else socket.send(message.bytes ? new Uint8Array(message.bytes) : message);
    };
    socket.onopen = () => {
      Object.assign(result, { opened: true, protocol: socket.protocol, extensions: socket.extensions });
      next();
    };
    socket.onmessage = ({ data }) => {
      result.received.push(typeof data === 'string' ? data : { bytes: [...new Uint8Array(data)] });
      next();
    };
    socket.onclose = ({ code, reason, wasClean }) => resolve({ ...result, code, reason, clean: wasClean });
    setTimeout(() => resolve({ ...result, code: 'too late' }), 10000);
  });
}
