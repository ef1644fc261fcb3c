// Somebody has the laptop, but not the finger. The browser refuses, and the API too if the page asks the browser for less.
import assert from "node:assert/strict";
import { FRONT_END, refused, tell } from "../chromium.mjs";
import { addAuthenticator, addPasskey, beginSignIn, finishSignIn, passkeyCode, sign } from "../passkeys.mjs";

await tell(async ({ open, accessToken }) => {
    const page = await open();
    await page.goto(FRONT_END);
    const authenticator = await addAuthenticator(page);
    await addPasskey(page, accessToken, "Laptop");
    await passkeyCode(page);

    await authenticator.verify(false);
    const { token, publicKey } = await beginSignIn(page);
    await assert.rejects(sign(page, publicKey), /NotAllowedError/);
    const signed = await sign(page, { ...publicKey, userVerification: "discouraged" });
    refused(await finishSignIn(page, token, signed), 401, "wrong-passkey");
});
