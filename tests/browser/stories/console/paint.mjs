// Measures when the largest part of a page is painted, on a slow device with a slow connection. `cargo xtask trial paint` tells it.
import assert from "node:assert/strict";
import { tell } from "../../chromium.mjs";
import { CONSOLE, signIn } from "../../console.mjs";

const CPU_SLOWDOWN = 4;
const BYTES_PER_SECOND = 1_600_000 / 8;

// Opens a page in a browser profile of its own, so that nothing is cached. Returns the time of its largest paint in milliseconds.
const largestPaint = async (open, { path, person, heading }, latency) => {
    const page = await open();
    if (person) await signIn(page, person);
    await page.addInitScript(() => {
        window.paints = [];
        new PerformanceObserver((list) => window.paints.push(...list.getEntries())).observe({ type: "largest-contentful-paint", buffered: true });
    });
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Network.enable");
    await devtools.send("Network.emulateNetworkConditions", { offline: false, latency, downloadThroughput: BYTES_PER_SECOND, uploadThroughput: BYTES_PER_SECOND });
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: CPU_SLOWDOWN });
    await page.goto(`${CONSOLE}${path}`);
    await page.getByRole("heading", { level: 1, name: heading }).waitFor();
    await page.waitForFunction(() => !document.querySelector(".skeleton, .progress"));
    // The entry of a frame comes after it.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
    const paints = await page.evaluate(() => window.paints.map(({ startTime }) => startTime));
    assert.ok(paints.length > 0, `${path} paints nothing`);
    await page.context().close();
    return paints.at(-1);
};

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

await tell(async ({ open, pages, latencies, runs }) => {
    const results = [];
    for (const page of pages) {
        for (const latency of latencies) {
            const paints = [];
            for (let run = 0; run < runs; run += 1) paints.push(await largestPaint(open, page, latency));
            results.push({ path: page.path, latency, milliseconds: Math.round(median(paints)) });
        }
    }
    return results;
});
