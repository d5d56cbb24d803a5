// Pictures of every page in light and dark, for docs/screenshots: npm run screenshots
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { ADMIN, FIXTURES, launch, startServer } from "./server.mjs";

const OUT = resolve(import.meta.dirname, "../../docs/screenshots");
const AGENTS = ["Dana Ruiz", "Marco Neri", "Priya Nair"];
const CALLS = ["flu_slots", "flu_slots_b", "cruise_tender", "bulky_pickup", "bank_fee", "ivr_water", "sofa_mono", "login_help", "card_payment"];

mkdirSync(OUT, { recursive: true });
const server = await startServer();
const browser = await launch();
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(server.link);
  await page.getByLabel("Your name").fill(ADMIN.name);
  await page.getByLabel("E-mail").fill(ADMIN.email);
  await page.getByLabel(/Password/).fill(ADMIN.password);
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByRole("heading", { name: "First steps" }).waitFor();
  await page.goto(server.base);
  await page.getByRole("button", { name: "Details for uploads" }).click();
  for (const [n, name] of CALLS.entries()) {
    await page.getByLabel("Agent", { exact: true }).last().fill(AGENTS[n % AGENTS.length]);
    await page.getByLabel("Queue", { exact: true }).last().fill(n % 2 ? "billing" : "bookings");
    await page.locator("input[type=file]").first().setInputFiles(join(FIXTURES, `${name}.flac`));
    await page.waitForFunction(async (want) => (await (await fetch("/v1/calls")).json()).total >= want, n + 1, { polling: 500 });
  }
  await page.waitForFunction(async (want) => (await (await fetch("/v1/calls?state=done")).json()).total >= want, CALLS.length, { timeout: 600_000, polling: 2000 });
  const { calls } = await page.evaluate(async () => (await fetch("/v1/calls?deflected=true")).json());
  const call = calls.find((one) => one.name.startsWith("flu_slots")) ?? calls[0];
  await page.goto(`${server.base}/calls/${call.id}`);
  await page.locator(".turn").first().waitFor();
  await page.keyboard.press("n");
  await page.getByRole("button", { name: "to coaching" }).click();
  await page.getByLabel("How it could be said better").fill("I can do that for you right now. Would Tuesday at ten or Thursday at four suit you better?");
  await page.getByRole("button", { name: "Put into the list" }).click();
  const pages = { calls: "/", review: `/calls/${call.id}`, ear: `/calls/${call.id}/ear`, trends: "/trends?days=30", coaching: "/coaching", calibration: "/calibration", live: "/live", playbooks: "/settings/playbooks" };
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(server.base + path);
      await page.waitForTimeout(1200);
      if (name === "review") {
        await page.keyboard.press("n");
        await page.waitForTimeout(300);
      }
      await page.screenshot({ path: join(OUT, `${name}-${colorScheme}.png`) });
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
