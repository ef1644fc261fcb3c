// The signed-in user.

import { api, call } from "./client";
import { apiUrl } from "./config";
import { accessToken, end, type Profile, profile, sameUser } from "./session";

/** Finds out whether somebody is signed in, without leading to the sign-in page. */
export const findProfile = async (): Promise<Profile | null> => {
    if ((await accessToken()) === null) return null;
    await loadProfile();
    return profile.value ?? null;
};

/** Loads the profile, unless it is known. */
export const loadProfile = async (): Promise<void> => {
    if (!profile.value) await reloadProfile();
};

/** Loads the profile again, such as after its address has changed. */
export const reloadProfile = async (): Promise<void> => {
    const isSame = sameUser();
    const { body } = await call(api.GET("/v1/auth/me"));
    if (isSame()) profile.value = body.data;
};

// The name of a lock tells every tab what is to be sent.
const LAST = "arches-last ";
const LAST_DEADLINE = 3_000;

/** Has a POST to `path` sent before a sign-out in any tab, because it needs the session. Returns what ends that. */
export const beforeSignOut = (path: string): (() => void) => {
    let settle: () => void = () => undefined;
    const settled = new Promise<void>((resolve) => {
        settle = resolve;
    });
    void navigator.locks.request(LAST + path, { mode: "shared" }, () => settled);
    return settle;
};

/** Sends a POST that the browser finishes after the page. */
export const sendLast = async (path: string): Promise<void> => {
    const [url, token] = await Promise.all([apiUrl(), accessToken()]);
    await fetch(url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        keepalive: true,
        signal: AbortSignal.timeout(LAST_DEADLINE),
    });
};

/** Ends the session, in all tabs. */
export const signOut = async (): Promise<void> => {
    const { held = [] } = await navigator.locks.query();
    const paths = new Set(held.flatMap(({ name }) => (name?.startsWith(LAST) ? [name.slice(LAST.length)] : [])));
    await Promise.allSettled([...paths].map(sendLast));
    await call(api.POST("/v1/auth/logout"));
    end();
};
