// Opens a page in the installed Chromium and listens there with EventSource, as a page's own script would.
// Arguments: the path of the Chromium, the page's address, the stream's address, how many events to wait for.
// One JSON object on standard output: {events: [{type, data, id}], opened}
import { chromium } from 'playwright-core';

const [path, address, stream, count] = process.argv.slice(2);
const flags = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
const browser = await chromium.launch({ executablePath: path, headless: true, args: flags });
try {
  const page = await browser.newPage();
  await page.goto(address);
  process.stdout.write(JSON.stringify(await page.evaluate(listen, [stream, Number(count)])));
} finally {
  await browser.close();
}

// Runs in the page.
function listen([stream, count]) {
  return new Promise((resolve) => {
    const events = [];
    const source = new EventSource(stream);
    let opened = 0;
    const done = () => {
      source.close();
      resolve({ events, opened });
    };
    const keep = ({ type, data, lastEventId }) => {
      events.push({ type, data, id: lastEventId });
      if (events.length === count) done();
    };
    source.onopen = () => (opened += 1);
    source.onmessage = keep;
    source.addEventListener('news', keep);
    setTimeout(done, 20000);
  });
}
