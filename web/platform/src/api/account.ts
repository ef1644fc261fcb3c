// The signed-in user.

import { api, call } from "./client";
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

const lastRequests = new Set<() => Promise<unknown>>();

/** Registers what is sent before a sign-out, because it needs the session. */
export const beforeSignOut = (send: () => Promise<unknown>): void => {
    lastRequests.add(send);
};

/** Ends the session, in all tabs. */
export const signOut = async (): Promise<void> => {
    await Promise.allSettled([...lastRequests].map((send) => send()));
    await call(api.POST("/v1/auth/logout"));
    end();
};
