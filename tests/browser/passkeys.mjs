// Passkeys, for the stories: an authenticator as that of a laptop, and the ceremonies as a front end makes them.
import { call, ok } from "./chromium.mjs";

// Gives a page an authenticator. Its `verify` says whether the person shows a finger from now on.
export const addAuthenticator = async (page) => {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
        options: {
            protocol: "ctap2",
            transport: "internal",
            hasResidentKey: true,
            hasUserVerification: true,
            isUserVerified: true,
            automaticPresenceSimulation: true,
        },
    });
    return { verify: (isUserVerified) => devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }) };
};

// Makes a credential. Returns it as JSON.
export const create = (page, options) =>
    page.evaluate(async (options) => {
        const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
        return (await navigator.credentials.create({ publicKey })).toJSON();
    }, options);

// Signs a challenge. Returns the signature and what belongs to it as JSON.
export const sign = (page, options) =>
    page.evaluate(async (options) => {
        const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
        return (await navigator.credentials.get({ publicKey })).toJSON();
    }, options);

// Adds a passkey to the account of the access token.
export const addPasskey = async (page, accessToken, name) => {
    const { token, publicKey } = ok(await call(page, "POST", "/v1/auth/passkeys/options", { token: accessToken }), 200);
    const credential = await create(page, publicKey);
    return ok(await call(page, "POST", "/v1/auth/passkeys", { body: { token, name, credential }, token: accessToken }), 201);
};

// Begins a sign-in. The API gives the same options to everybody.
export const beginSignIn = async (page) => ok(await call(page, "POST", "/v1/auth/passkeys/sign-in/options"), 200);

export const finishSignIn = (page, token, credential) => call(page, "POST", "/v1/auth/passkeys/sign-in", { body: { token, credential } });

// Signs in as far as to the code that `auth` takes.
export const passkeyCode = async (page) => {
    const { token, publicKey } = await beginSignIn(page);
    return ok(await finishSignIn(page, token, await sign(page, publicKey)), 200).passkeyCode;
};
