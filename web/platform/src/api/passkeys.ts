// WebAuthn between the API's JSON and the browser.

import { api, call } from "./client";
import type { components } from "./schema";

type Ceremony = components["schemas"]["Ceremony"];

/** The browser cannot do it, or the person closed its dialog. */
export class PasskeyNotUsed extends Error {
    constructor(readonly isSupported: boolean) {
        super();
    }
}

export const supportsPasskeys = (): boolean =>
    "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential;

const inBrowser = async (ceremony: () => Promise<Credential | null>): Promise<Record<string, never>> => {
    if (!supportsPasskeys()) throw new PasskeyNotUsed(false);
    const credential = await ceremony().catch(() => null);
    if (!(credential instanceof PublicKeyCredential)) throw new PasskeyNotUsed(true);
    return JSON.parse(JSON.stringify(credential.toJSON()));
};

/** Asks the person for a passkey of this site. Returns the code that proves it; it works once, for a minute. */
export const provePasskey = async (): Promise<string> => {
    if (!supportsPasskeys()) throw new PasskeyNotUsed(false);
    const { body: begun } = await call(api.POST("/v1/auth/passkeys/sign-in/options"));
    const { token, publicKey } = begun.data;
    const options = PublicKeyCredential.parseRequestOptionsFromJSON(forRequest(publicKey));
    const credential = await inBrowser(() => navigator.credentials.get({ publicKey: options }));
    const { body } = await call(api.POST("/v1/auth/passkeys/sign-in", { body: { token, credential } }));
    return body.data.passkeyCode;
};

/** Makes a passkey in the browser. Returns what `POST /v1/auth/passkeys` wants beside a name. */
export const makePasskey = async ({ token, publicKey }: Ceremony) => {
    if (!supportsPasskeys()) throw new PasskeyNotUsed(false);
    const options = PublicKeyCredential.parseCreationOptionsFromJSON(forCreation(publicKey));
    const credential = await inBrowser(() => navigator.credentials.create({ publicKey: options }));
    return { token, credential };
};

// The API says only that it is an object; the browser checks it.
const forRequest = (options: object) => options as PublicKeyCredentialRequestOptionsJSON;
const forCreation = (options: object) => options as PublicKeyCredentialCreationOptionsJSON;
