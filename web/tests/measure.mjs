// How quick the pages are with many calls: RUNAROUND_URL=http://127.0.0.1:8080 node tests/measure.mjs [call]
// Prints milliseconds from input to the next painted frame that shows the result. The server must let us in without
// signing in (--no-auth). `call` is the id of a long call; without it the longest of the newest 200 is opened.
import { launch } from "./server.mjs";

const base = process.env.RUNAROUND_URL;
if (!base) throw new Error("say in RUNAROUND_URL where the server is");
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
const report = {};
const middle = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const worst = (all) => Math.max(...all);
const note = (name, all) => (report[name] = { median_ms: Math.round(middle(all)), worst_ms: Math.round(worst(all)), n: all.length });

const began = Date.now();
await page.goto(base);
await page.locator(".sizer [data-row]").first().waitFor();
report["list opened"] = { ms: Date.now() - began };
report["first paint"] = { ms: await page.evaluate(() => Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1)) };
report["calls"] = await page.evaluate(async () => (await (await fetch("/v1/calls?limit=1")).json()).total);

note("scroll by a page, to painted rows", await page.evaluate(async () => {
  const box = document.querySelector(".scroll");
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const times = [];
  for (let n = 1; n <= 40; n++) {
    const from = performance.now();
    box.scrollTop = n * 560;
    await frame();
    times.push(performance.now() - from);
  }
  return times;
}));
const jump = await page.evaluate(async () => {
  const box = document.querySelector(".scroll");
  const from = performance.now();
  box.scrollTop = box.scrollHeight;
  for (;;) {
    await new Promise((done) => requestAnimationFrame(done));
    const rows = document.querySelectorAll(".sizer [data-row]");
    const bottom = box.scrollTop + box.clientHeight;
    if ([...rows].some((row) => row.offsetTop + 36 >= bottom - 40)) return performance.now() - from;
    if (performance.now() - from > 20_000) return -1;
  }
});
report["jump to the last row"] = { ms: Math.round(jump) };
const filters = [];
for (const value of ["true", "false", "", "true", ""]) {
  filters.push(await page.evaluate(async (to) => {
    const select = document.querySelector('select[aria-label="Sent away"]');
    const from = performance.now();
    select.value = to;
    select.dispatchEvent(new Event("change", { bubbles: true }));
    await new Promise((done) => requestAnimationFrame(done));
    while (document.querySelector("[role=status].push").textContent === "…") await new Promise((done) => requestAnimationFrame(done));
    return performance.now() - from;
  }, value));
}
note("filter, to new rows", filters);
const keys = [];
for (let n = 0; n < 30; n++) {
  const from = Date.now();
  await page.keyboard.press("j");
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  keys.push(Date.now() - from);
}
note("next row by key", keys);

const id = process.argv[2] ?? (await page.evaluate(async () => (await (await fetch("/v1/calls?limit=200&state=done")).json()).calls.reduce((a, b) => ((b.duration_ms ?? 0) > (a.duration_ms ?? 0) ? b : a)).id));
const open = Date.now();
await page.goto(`${base}/calls/${id}`);
await page.locator(".turn .said").first().waitFor();
report["long call opened"] = { ms: Date.now() - open, ...(await page.evaluate(() => ({ turns: document.querySelectorAll(".turn").length, inside_ms: Math.round(performance.getEntriesByName("review-opened")[0]?.duration ?? -1) }))) };
note("seek in it, to the painted frame", await page.evaluate(async () => {
  const times = [];
  const canvas = document.querySelector("canvas");
  for (let n = 1; n < 20; n++) {
    const from = performance.now();
    const { left, top, width } = canvas.getBoundingClientRect();
    const where = { bubbles: true, button: 0, pointerId: 1, clientX: left + (width * n) / 20, clientY: top + 20 };
    try {
      canvas.dispatchEvent(new PointerEvent("pointerdown", where));
    } catch {
      // No pointer to capture, as nobody holds a mouse.
    }
    canvas.dispatchEvent(new PointerEvent("pointerup", where));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - from);
  }
  return times;
}));
const walk = [];
for (let n = 0; n < 15; n++) {
  const from = Date.now();
  await page.keyboard.press("n");
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  walk.push(Date.now() - from);
}
note("next finding", walk);
console.table(report);
await browser.close();
