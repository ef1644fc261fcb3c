// As much of a browser as the modules about the session and its requests need. Import it before them.

import type { components } from "../src/api/schema.js";

type Profile = components["schemas"]["Profile"];
type Tokens = components["schemas"]["Tokens"];

/** Answers a request to the API. */
type Handler = () => Response | Promise<Response>;

/** By method and path. */
export const answers = new Map<string, Handler>();
/** What was sent, in its order. */
export const sent: string[] = [];
/** The pages that were loaded. */
export const visited: string[] = [];

export const json = (body: unknown, status = 200): Response => Response.json(body, { status });

const refusal = { type: "https://api.example.com/problems/forbidden", title: "", detail: "No.", status: 403 };

export const refused = (status: number): Response => json({ ...refusal, status }, status);

const bytes = (text: string) => new TextEncoder().encode(text);

/** Makes an access token of a user. */
export const tokenOf = (userId: string): string =>
    `e30.${Buffer.from(JSON.stringify({ sub: userId })).toString("base64url")}.x`;

/** Makes what a sign-in returns. */
export const signedIn = (id: string, expiresIn = 600): { user: Profile } & Tokens => ({
    accessToken: tokenOf(id),
    tokenType: "Bearer",
    expiresIn,
    user: {
        id,
        email: `${id}@example.com`,
        emailDelivery: { status: "ok" },
        emailVerified: true,
        name: id,
        systemAdministrator: false,
        createdAt: "2026-01-01T00:00:00Z",
        updatedAt: "2026-01-01T00:00:00Z",
    },
});

/** Makes the body of a stream that does not end. */
export const endless = (text: string): ReadableStream =>
    new ReadableStream({ start: (body) => body.enqueue(bytes(text)) });

type Channel = { onmessage: ((event: { data: unknown }) => void) | null; postMessage: () => void };

const channel: Channel = { onmessage: null, postMessage: () => undefined };

/** Brings a message of another tab. */
export const hear = (data: unknown): void => channel.onmessage?.({ data });

const answerTo = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    if (input === "/config.json") return json({ apiUrl: "https://api.example.com" });
    const { method, url } = new Request(input, init);
    const request = `${method} ${new URL(url).pathname}`;
    sent.push(request);
    const handler = answers.get(request);
    if (handler === undefined) throw new Error(`nothing answers ${request}`);
    return handler();
};

const define = (name: string, value: unknown) => Object.defineProperty(globalThis, name, { value, configurable: true });

define("fetch", answerTo);
define("addEventListener", () => undefined);
define("location", { pathname: "/", search: "", assign: (path: string) => visited.push(path) });

/** The locks that all tabs hold. */
export const held = new Set<string>();

const locks = {
    query: async () => ({ held: [...held].map((name) => ({ name })) }),
    request: async (name: string, options: unknown, run?: () => Promise<void>) => {
        held.add(name);
        await (run ?? (options as () => Promise<void>))();
        held.delete(name);
    },
};
define("navigator", { locks });
define(
    "BroadcastChannel",
    class {
        constructor() {
            // biome-ignore lint/correctness/noConstructorReturn: the test holds the other end.
            return channel;
        }
    },
);
