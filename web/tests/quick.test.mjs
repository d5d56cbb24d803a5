// Figures, not promises: how quick the pages are with ten thousand calls stands in the report of this test. How long it
// takes depends on the machine, so nothing is asserted about the times.
import assert from "node:assert/strict";
import { it } from "node:test";
import { measure } from "./measure.mjs";
import { launch, startServer } from "./server.mjs";

it("lists, filters and scrolls ten thousand calls, and opens one of three hours", async (t) => {
  const server = await startServer({ seed: 10_000, long: 180, accounts: false });
  const browser = await launch();
  try {
    const { calls: [longest] } = await (await fetch(`${server.base}/v1/calls?sort=-duration&limit=1`)).json();
    const report = await measure(browser, server.base, longest.id);
    for (const [name, figures] of Object.entries(report)) t.diagnostic(`${name}: ${Object.entries(figures).map(([what, value]) => `${what} ${value}`).join(", ")}`);
    assert.match(report["list opened"].calls, /10,000/);
    assert.ok(report["call opened"].minutes >= 180);
  } finally {
    await browser.close();
    await server.stop();
  }
});
