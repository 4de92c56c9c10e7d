// Opens the chat of examples/guide as a person would: signs in, says something, and prints what the page then shows.
// Arguments: the path of the Chromium to use, the page's address, a password, what to say.
import { chromium } from 'playwright-core';

const [executablePath, address, password, text] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox', '--disable-gpu'] });
const page = await browser.newPage();
const problems = [];
page.on('pageerror', (error) => problems.push(String(error)));
await page.goto(address);
await page.fill('input[name=password]', 'a wrong one');
await page.click('text=Sign in');
await page.waitForSelector('#problem:not(:empty)');
const refused = await page.textContent('#problem');
await page.fill('input[name=password]', password);
await page.click('text=Sign in');
await page.fill('input[name=text]', text);
await page.click('text=Send');
await page.waitForFunction(
  (wanted) => document.querySelector('#messages').textContent.endsWith(wanted), `You said: ${text}`, { timeout: 20000 },
);
await page.reload();
await page.waitForSelector('#chat:not([hidden])');
await page.fill('input[name=text]', 'again');
await page.click('text=Send');
await page.waitForFunction(() => document.querySelector('#messages').textContent.endsWith('You said: again'));
const bold = await page.locator('#messages b').count();
console.log(JSON.stringify({ refused, bold, problems }));
await browser.close();
