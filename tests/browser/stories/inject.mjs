// A stranger has got markup into the API's own pages. They run nothing, load nothing, send nothing elsewhere, and appear in no frame.
import assert from "node:assert/strict";
import { API, STRANGER, tell } from "../chromium.mjs";

await tell(async ({ open, complaints, pages }) => {
    const page = await open();
    for (const path of pages) {
        await page.goto(`${API}/account/${path}`);
        assert.deepEqual(complaints, []);
        await page.evaluate((stranger) => {
            window.refused = [];
            document.addEventListener("securitypolicyviolation", (event) => window.refused.push(event.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", '<img src="https://example.com/image.png" onerror="window.ran = true">');
            document.body.insertAdjacentHTML("beforeend", '<style>h1 { display: none }</style>');
            const form = document.querySelector("form");
            form.action = stranger;
            form.submit();
        }, STRANGER);
        await page.waitForFunction(() => window.refused.length >= 5);
        const refused = await page.evaluate(() => window.refused.sort());
        assert.deepEqual(refused, ["form-action", "img-src", "script-src-attr", "script-src-elem", "style-src-elem"], path);
        assert.equal(await page.evaluate(() => window.ran), undefined);
        complaints.length = 0;

        await page.goto(STRANGER);
        const load = page.waitForEvent("console", (message) => message.text().includes("frame-ancestors"));
        await page.evaluate((url) => document.body.append(Object.assign(document.createElement("iframe"), { src: url })), `${API}/account/${path}`);
        await load;
        complaints.length = 0;
    }

    const text = encodeURIComponent('<img src="x" onerror="window.ran = true">');
    await page.goto(`${API}/account/signed-in#error=${text}`);
    await page.getByText("The sign-in is not valid any more. Begin again.").waitFor();
    assert.equal(await page.evaluate(() => window.ran), undefined);
});
