// A person with a second factor signs in with the password, and then with a passkey.
import assert from "node:assert/strict";
import { FRONT_END, call, ok, tell } from "../chromium.mjs";
import { addAuthenticator, addPasskey, passkeyCode } from "../passkeys.mjs";

await tell(async ({ open, accessToken, email, password }) => {
    const page = await open();
    await page.goto(FRONT_END);
    await addAuthenticator(page);
    await addPasskey(page, accessToken, "Laptop");

    const { challenge } = ok(await call(page, "POST", "/v1/auth/login", { body: { email, password } }), 200);
    assert.ok(challenge.methods.includes("passkey"), challenge.methods.join());
    const body = { token: challenge.token, passkeyCode: await passkeyCode(page) };
    return ok(await call(page, "POST", "/v1/auth/challenges/verify", { body }), 201);
});
