// Requests to the API: with the access token, a deadline, one refresh after a 401, and one new proof of identity.

import createClient from "openapi-fetch";
import { goToSignIn } from "../navigation";
import { apiUrl } from "./config";
import { Problem } from "./problem";
import type { paths } from "./schema";
import { accessToken } from "./session";

const DEADLINE = 20_000;

/** A successful answer. */
export type Answer<T> = { body: T; etag: string | null; status: number };

const PLACEHOLDER = "https://api.invalid";

/** The typed client. Use it through `call`. */
export const api = createClient<paths>({
    baseUrl: PLACEHOLDER,
    fetch: (request) => send(request, DEADLINE),
});

/** Waits for a request of `api`. Returns its answer, or throws a `Problem`. */
export const call = async <T>(
    pending: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<Answer<T>> => {
    let result: { data?: T; error?: unknown; response: Response };
    try {
        result = await pending;
    } catch (error) {
        throw Problem.from(error);
    }
    const { data, error, response } = result;
    if (!response.ok) throw Problem.of(response, error);
    // A 204 has no body, and its type says so.
    return { body: data as T, etag: response.headers.get("etag"), status: response.status };
};

/** Sends a request to a path of the API, for an answer that is read as a stream: it has no deadline. Throws a `Problem`. */
export const stream = async (path: string, init: RequestInit): Promise<Response> => {
    try {
        const response = await send(new Request(new URL(path, PLACEHOLDER), init), null);
        if (!response.ok) throw Problem.of(response, await response.json().catch(() => null));
        return response;
    } catch (error) {
        throw Problem.from(error);
    }
};

const send = async (request: Request, deadline: number | null): Promise<Response> => {
    const path = new URL(request.url).pathname;
    const url = request.url.replace(PLACEHOLDER, await apiUrl());
    // As text, because it may be sent twice.
    const body = (await request.text()) || null;
    const attempt = (token: string | null): Promise<Response> => {
        const headers = new Headers(request.headers);
        if (token !== null) headers.set("authorization", `Bearer ${token}`);
        const signals = deadline === null ? [request.signal] : [request.signal, AbortSignal.timeout(deadline)];
        // Only these set or read cookies.
        const credentials = path.startsWith("/v1/auth/") ? "include" : "omit";
        return fetch(url, { method: request.method, headers, body, credentials, signal: AbortSignal.any(signals) });
    };
    if (PUBLIC.includes(path)) return attempt(null);

    const token = await accessToken();
    if (MAYBE_SIGNED_IN.includes(path)) return attempt(token);
    let response = await attempt(token ?? leave());
    if ((await codeOf(response)) === "unauthenticated") response = await attempt((await accessToken(token)) ?? leave());
    if ((await codeOf(response)) === "fresh-sign-in-needed") {
        const { reauthenticate } = await import("../components/reauthenticate");
        if (await reauthenticate()) response = await attempt(await accessToken());
    }
    return response;
};

/** Goes to the sign-in page. */
const leave = (): never => {
    goToSignIn();
    throw Problem.signedOut();
};

/** Returns the code of a 401, without using up its body. */
const codeOf = async (response: Response): Promise<string | null> => {
    if (response.status !== 401) return null;
    const body: unknown = await response
        .clone()
        .json()
        .catch(() => null);
    return Problem.of(response, body).code;
};

/** Routes for people who have not signed in. */
const PUBLIC = [
    "/v1/config",
    "/v1/auth/login",
    "/v1/auth/register",
    "/v1/auth/magic-links",
    "/v1/auth/magic-links/verify",
    "/v1/auth/challenges/verify",
    "/v1/auth/forgot-password",
    "/v1/auth/reset-password",
    "/v1/auth/passkeys/sign-in/options",
    "/v1/auth/passkeys/sign-in",
    "/v1/auth/undo-email-change",
    "/v1/auth/reject-link",
    "/v1/auth/reject-sign-in",
    "/v1/auth/link-identity",
];

/** Routes that take an access token and do without one. */
const MAYBE_SIGNED_IN = ["/v1/auth/oauth/exchange", "/v1/auth/verify-email", "/v1/auth/confirm-email"];
