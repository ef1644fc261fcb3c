// A stranger's page shows the console in a frame, to catch presses: the frame stays empty.
import assert from "node:assert/strict";
import { STRANGER, tell } from "../../chromium.mjs";
import { CONSOLE, signIn } from "../../console.mjs";

await tell(async ({ open, complaints, person }) => {
    const page = await open();
    await signIn(page, person);
    await page.goto(STRANGER);
    for (const path of ["/", "/sign-in", "/account/profile"]) {
        await page.evaluate((source) => {
            const frame = document.createElement("iframe");
            frame.src = source;
            document.body.append(frame);
            return new Promise((done) => frame.addEventListener("load", done));
        }, `${CONSOLE}${path}`);
        const frame = page.frames().at(-1);
        assert.match(frame.url(), /^chrome-error:/, path);
    }
    assert.ok(complaints.length > 0);
    for (const complaint of complaints) assert.match(complaint, /frame-ancestors|X-Frame-Options/);
    complaints.length = 0;
});
