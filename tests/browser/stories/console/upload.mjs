// A page of the console uploads a file with a presigned URL, and downloads it again: its policy and that of the bucket allow both.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { call, ok, tell } from "../../chromium.mjs";
import { signIn } from "../../console.mjs";

const DEADLINE = 60_000;

await tell(async ({ open, person, organization, text }) => {
    const page = await open();
    const { accessToken: token } = await signIn(page, person);
    const file = { mediaType: "text/plain", byteSize: Buffer.byteLength(text), sha256: createHash("sha256").update(text).digest("hex") };
    const body = { name: "Notes", file };
    const { id, upload } = ok(await call(page, "POST", `${organization}/artifacts`, { token, body }), 201);
    const put = async ([{ url, headers }, body]) => (await fetch(url, { method: "PUT", headers, body })).status;
    assert.equal(await page.evaluate(put, [upload, text]), 200);

    const path = `${organization}/artifacts/${id}`;
    const begin = Date.now();
    for (let status; status !== "ready"; ) {
        ({ status } = ok(await call(page, "GET", path, { token }), 200));
        assert.ok(!["failed", "expired"].includes(status), status);
        assert.ok(Date.now() - begin < DEADLINE, `the artifact is still ${status}`);
        await page.waitForTimeout(100);
    }
    const { url } = ok(await call(page, "POST", `${path}/download`, { token, body: { as: "file" } }), 200);
    assert.equal(await page.evaluate(async (url) => (await fetch(url)).text(), url), text);
});
