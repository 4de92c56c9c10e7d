// Opens the page of an API, searches, sends a request from it, and prints what a reader sees as JSON.
import { chromium } from "playwright-core";

const [, , executablePath, url] = process.argv;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  const page = await browser.newPage();
  const wire = [], complaints = [];
  page.on("request", (request) => wire.push(`${request.method()} ${request.url()}`));
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(error.message));

  await page.goto(url);
  await page.waitForSelector("details.operation");
  const links = await page.locator("#index a").allInnerTexts();
  await page.fill("#search", "delete");
  const found = await page.locator("#index a:visible").allInnerTexts();
  await page.fill("#search", "");

  await page.click("#index a:has-text('POST')");
  const card = page.locator("details[open].operation");
  const body = card.locator("textarea");
  const sample = await body.inputValue();
  const shown = await card.innerText();
  await body.fill(JSON.stringify({ title: "<img src=x onerror=alert(1)>" }));
  await page.fill("#token", "secret");
  await card.getByText("Send", { exact: true }).click();
  await card.locator(".try .status").waitFor();
  const answer = await card.locator(".try pre").first().innerText();
  const status = await card.locator(".try .status").innerText();
  const images = await page.locator("img").count();
  console.log(JSON.stringify({ title: await page.title(), links, found, sample, shown, status, answer, images, wire, complaints }));
} finally {
  await browser.close();
}
