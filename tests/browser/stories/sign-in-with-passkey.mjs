// A signed-in person adds a passkey, and signs in with it: without a name, and without a password.
import assert from "node:assert/strict";
import { FRONT_END, call, ok, sameSiteOf, tell } from "../chromium.mjs";
import { addAuthenticator, addPasskey, passkeyCode } from "../passkeys.mjs";

await tell(async ({ open, accessToken }) => {
    const page = await open();
    await page.goto(FRONT_END);
    await addAuthenticator(page);
    assert.equal((await addPasskey(page, accessToken, "Laptop")).name, "Laptop");

    const body = { passkeyCode: await passkeyCode(page), transport: "cookie" };
    const signedIn = ok(await call(page, "POST", "/v1/auth/oauth/exchange", { body }), 201);
    assert.equal(await sameSiteOf(page, "__Host-arches_refresh"), "Strict");
    return signedIn;
});
