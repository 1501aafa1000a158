// Opens pages in Firefox and prints, as JSON, what went wrong and what is there.
// node firefox.mjs <path of Firefox> <folder of puppeteer-core> <address> ...
import { createRequire } from "node:module";

const [path, modules, ...addresses] = process.argv.slice(2);
const puppeteer = createRequire(`${modules}/`)("puppeteer-core");
const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: path,
  headless: true,
});
const report = {};
for (const address of addresses) {
  const page = await browser.newPage();
  const failures = [];
  const hosts = new Set();
  page.on("pageerror", (error) => failures.push(`error: ${error.message ?? error}`));
  page.on("requestfailed", (request) => failures.push(`failed: ${request.url()}`));
  page.on("request", (request) => hosts.add(new URL(request.url()).hostname));
  page.on("console", (message) => {
    if (message.type() === "error") failures.push(`console: ${message.text()}`);
  });
  await page.setViewport({ width: 1000, height: 800 });
  await page.goto(address, { waitUntil: "load" });
  const found = await page.evaluate(async () => {
    await document.fonts.ready;
    const widget = document.querySelector(".bk-widget");
    if (widget) {
      widget.scrollIntoView();
      for (let i = 0; i < 100 && !widget.querySelector("input, button"); i++)
        await new Promise((done) => setTimeout(done, 100));
    }
    const math = document.querySelector("math[display=block]");
    return {
      title: document.querySelector("h1").textContent,
      theme: document.documentElement.dataset.theme,
      fonts: [...document.fonts].filter((f) => f.status === "loaded").map((f) => f.family),
      formula: math && math.getBoundingClientRect().height,
      widgets: document.querySelectorAll(".bk-widget").length,
      controls: widget && widget.querySelectorAll("input, button, select, [tabindex]").length,
      width: document.documentElement.scrollWidth,
    };
  });
  report[address] = { failures, hosts: [...hosts].filter(Boolean), ...found };
  await page.close();
}
await browser.close();
console.log(JSON.stringify(report));
