// The session. The access token is in memory only; the refresh token is in a cookie that scripts cannot read.

import { computed, signal } from "@preact/signals";
import { apiUrl } from "./config";
import { Problem } from "./problem";
import type { components } from "./schema";

export type Profile = components["schemas"]["Profile"];
type Tokens = components["schemas"]["Tokens"];

type Message = { kind: "refreshed"; token: Token } | { kind: "ended" };
type Token = { value: string; endsAt: number };

const REFRESH_TIMEOUT = 15_000;
/** A token that ends this soon is not used any more. */
const MARGIN = 30_000;

let token: Token | null = null;

/** The signed-in user; `undefined` before it is known. */
export const profile = signal<Profile | null | undefined>(undefined);

/** The id of the user; `null` and `undefined` as in `profile`. */
const userId = computed(() => (profile.value ? profile.value.id : profile.value));

/** Runs `clear` when the user has signed out, or another one is there: the next one must not see what belongs to the one before. */
export const whenUserChanges = (clear: () => void): void => {
    let before = userId.peek();
    userId.subscribe((id) => {
        if (before !== undefined && id !== before) clear();
        before = id;
    });
};

let changes = 0;
whenUserChanges(() => {
    changes++;
});

/** Returns what tells later whether the user is still the same, without a sign-out between. */
export const sameUser = (): (() => boolean) => {
    const before = changes;
    return () => changes === before;
};

const others = new BroadcastChannel("arches-session");
others.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data.kind === "refreshed") {
        take(data.token);
    } else if (token !== null) {
        forget();
        location.assign("/sign-in");
    }
};

const userOf = (accessToken: string): string => {
    const payload = accessToken.split(".")[1] ?? "";
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return typeof claims === "object" && claims !== null && "sub" in claims ? String(claims.sub) : "";
};

/** Takes over a token. Returns whether it is that of another person than the one before. */
const replace = (next: Token): boolean => {
    const isAnother = token !== null && userOf(token.value) !== userOf(next.value);
    token = next;
    return isAnother;
};

/** Takes over the token of the session. Returns false if another person signed in in another tab: nothing on this page is theirs. */
const take = (next: Token): boolean => {
    const isAnother = replace(next);
    if (isAnother) {
        profile.value = undefined;
        location.assign("/");
    }
    return !isAnother;
};

const tokenOf = ({ accessToken: value, expiresIn }: Tokens): Token => ({
    value,
    endsAt: Date.now() + expiresIn * 1000,
});

const tell = (message: Message): void => others.postMessage(message);

const forget = (): void => {
    token = null;
    profile.value = null;
};

/** Begins a session with the tokens of a sign-in. Returns whether it takes the place of another person's. */
export const begin = (signedIn: Tokens & { user: Profile }): boolean => {
    const next = tokenOf(signedIn);
    const isAnother = replace(next);
    tell({ kind: "refreshed", token: next });
    profile.value = signedIn.user;
    return isAnother;
};

/** Ends the session in all tabs. The caller has told the API. */
export const end = (): void => {
    forget();
    tell({ kind: "ended" });
};

/** Returns an access token; `null` if nobody is signed in. `unusable` is a token that the API refused. */
export const accessToken = async (unusable?: string | null): Promise<string | null> => {
    const usable = () => token !== null && token.value !== unusable && token.endsAt - Date.now() > MARGIN;
    // After a refusal it is known that nobody is signed in.
    const mayRefresh = () => !usable() && profile.peek() !== null;
    if (mayRefresh()) {
        // One refresh at a time over all tabs. A tab that had to wait uses the token of the other.
        await navigator.locks.request("arches-refresh", async () => {
            await messagesOfOthers();
            if (mayRefresh()) await refresh();
        });
    }
    return token?.value ?? null;
};

/** Waits until messages that were sent before are delivered. */
const messagesOfOthers = () => new Promise((resolve) => setTimeout(resolve));

const refresh = async (): Promise<void> => {
    const before = token;
    let response: Response;
    let body: unknown;
    try {
        const signal = AbortSignal.timeout(REFRESH_TIMEOUT);
        response = await fetch(`${await apiUrl()}/v1/auth/refresh`, { method: "POST", credentials: "include", signal });
        body = await response.json();
    } catch (error) {
        throw Problem.from(error);
    }
    // A sign-in or a sign-out that came first is newer than this answer.
    if (token !== before) return;
    if (isTokens(body)) {
        const next = tokenOf(body.data);
        tell({ kind: "refreshed", token: next });
        if (!take(next)) throw Problem.signedOut();
    } else if (response.status === 401) forget();
    else throw Problem.of(response, body);
};

const isTokens = (body: unknown): body is { data: Tokens } =>
    typeof body === "object" &&
    body !== null &&
    "data" in body &&
    typeof body.data === "object" &&
    body.data !== null &&
    "accessToken" in body.data;
