// A stranger has a page on the same host, at another port. The browser gives it signatures, but they name its origin.
import { FRONT_END, STRANGER, callWithoutBrowser, ok, refused, tell } from "../chromium.mjs";
import { addAuthenticator, addPasskey, create, passkeyCode, sign } from "../passkeys.mjs";

await tell(async ({ open, accessToken }) => {
    const page = await open();
    await page.goto(FRONT_END);
    await addAuthenticator(page);
    await addPasskey(page, accessToken, "Laptop");
    await passkeyCode(page);

    await page.goto(STRANGER);
    const { token, publicKey } = ok(await callWithoutBrowser("POST", "/v1/auth/passkeys/sign-in/options"), 200);
    const body = { token, credential: await sign(page, publicKey) };
    refused(await callWithoutBrowser("POST", "/v1/auth/passkeys/sign-in", { body }), 401, "wrong-passkey");

    const options = ok(await callWithoutBrowser("POST", "/v1/auth/passkeys/options", { token: accessToken }), 200);
    const credential = await create(page, { ...options.publicKey, excludeCredentials: [] });
    const made = { token: options.token, name: "Stranger", credential };
    const answer = await callWithoutBrowser("POST", "/v1/auth/passkeys", { body: made, token: accessToken });
    refused(answer, 422, "passkey-not-valid");
});
