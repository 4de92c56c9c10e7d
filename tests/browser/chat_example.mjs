// Uses the page of examples/chat in the installed Chromium as a person would.
// Arguments: the path of the Chromium, the address of the page, what to do (a name below) and, for `picture`, the file.
// One JSON object on standard output: what was seen, and `complaints`: errors of the page and its console.
import { chromium } from 'playwright-core';

const [path, address, task, file] = process.argv.slice(2);
const flags = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
const browser = await chromium.launch({ executablePath: path, headless: true, args: flags });
const context = await browser.newContext({ viewport: { width: 860, height: 620 }, colorScheme: 'light' });
const page = await context.newPage();
const complaints = [];
page.on('pageerror', (error) => complaints.push(String(error)));
page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));

const answers = page.locator('[data-role=assistant]');
const answer = answers.last();
const regenerate = page.locator('[data-action=regenerate]');
const stopButton = page.locator('[data-action=stop]');

async function ask(text) {
  await page.getByLabel('Message').fill(text);
  await page.getByLabel('Message').press('Enter');
}

async function textOf(locator) {
  return (await locator.count()) ? locator.innerText() : '';
}

// Waits until the answer has more than so many characters; gives its text.
async function grown(length) {
  for (;;) {
    const text = await textOf(answer);
    if (text.length > length) return text;
    await page.waitForTimeout(20);
  }
}

// The stored messages, once there are so many: an answer is stored when it has ended, which a page can see before.
async function stored(count) {
  for (;;) {
    const messages = await page.evaluate(async () => {
      const id = new URL(location.href).searchParams.get('id');
      return (await (await fetch(`/api/chat/${id}`)).json()).messages;
    });
    if (messages.length >= count) return messages;
    await page.waitForTimeout(5);
  }
}

const tasks = {
  // The distinct states of the answer's text, and the one that is stored.
  async words() {
    await page.getByRole('button', { name: 'What can you do?' }).click();
    const states = [];
    while (!(await regenerate.count())) {
      const text = await textOf(answer);
      if (text && text !== states.at(-1)) states.push(text);
      await page.waitForTimeout(10);
    }
    const question = await page.locator('[data-role=user]').innerText();
    return { question, states, final: await answer.innerText(), stored: await stored(2) };
  },

  async tool() {
    await ask('What is the weather in Oslo?');
    const card = page.locator('[data-tool=weather]');
    await page.waitForSelector('[data-tool=weather][data-state=input-available]');
    const waiting = await card.innerText();
    await page.waitForSelector('[data-tool=weather][data-state=output-available]');
    const done = await card.innerText();
    await regenerate.waitFor();
    return { waiting, done, text: await answer.locator('p').innerText() };
  },

  // milliseconds: from the click until the model had ended, which is when its answer is stored.
  async stop() {
    await ask('Tell me a long story');
    await grown(60);
    const began = performance.now();
    await stopButton.click();
    const messages = await stored(2);
    const milliseconds = performance.now() - began;
    await regenerate.waitFor();
    const text = await answer.innerText();
    await page.waitForTimeout(400);
    return { milliseconds, text, later: await answer.innerText(), stored: messages };
  },

  async reload() {
    await ask('Tell me a long story');
    const before = await grown(80);
    await page.reload();
    const after = await grown(before.length);
    const later = await grown(after.length + 40);
    await stopButton.click();
    await regenerate.waitFor();
    const messages = await stored(2);
    await page.reload();
    await answer.waitFor();
    return { before, after, later, answers: await answers.count(), stored: messages, reloaded: await answer.innerText() };
  },

  async fail() {
    await ask('Fail, please');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    const first = await alert.locator('span').innerText();
    const id = await answer.getAttribute('data-id');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.waitForFunction((old) => document.querySelector('[data-role=assistant]')?.dataset.id !== old, id);
    await alert.waitFor();
    return { first, again: await alert.locator('span').innerText(), page: await page.content() };
  },

  async regenerate() {
    await ask('Hello');
    await regenerate.waitFor();
    const first = { id: await answer.getAttribute('data-id'), text: await answer.innerText() };
    await regenerate.click();
    await page.waitForFunction((old) => document.querySelector('[data-role=assistant]')?.dataset.id !== old, first.id);
    await regenerate.waitFor();
    const second = { id: await answer.getAttribute('data-id'), text: await answer.innerText() };
    await ask('And again');
    await page.waitForFunction(() => document.querySelectorAll('[data-role=assistant]').length === 2);
    await regenerate.waitFor();
    return { first, second, stored: await stored(4) };
  },

  async picture() {
    await ask('What is the weather in Lisbon?');
    await regenerate.waitFor();
    await ask('Tell me a long story');
    await page.waitForFunction(() => document.body.innerText.includes('So it told of the roads'));
    await page.screenshot({ path: file });
    await stopButton.click();
    return {};
  },
};

try {
  await page.goto(address);
  await page.getByLabel('Message').waitFor();
  process.stdout.write(JSON.stringify({ ...(await tasks[task]()), complaints }));
} finally {
  await browser.close();
}
