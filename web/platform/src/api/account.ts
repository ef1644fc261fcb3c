// The signed-in user.

import { api, call } from "./client";
import { accessToken, end, type Profile, profile } from "./session";

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
    const { body } = await call(api.GET("/v1/auth/me"));
    profile.value = body.data;
};

/** Ends the session, in all tabs. */
export const signOut = async (): Promise<void> => {
    await call(api.POST("/v1/auth/logout"));
    end();
};
