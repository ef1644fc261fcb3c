// The signed-in user.

import { api, call } from "./client";
import { forgetOrganizations } from "./organizations";
import { end, profile } from "./session";

/** Loads the profile, unless it is known. */
export const loadProfile = async (): Promise<void> => {
    if (profile.value) return;
    const { body } = await call(api.GET("/v1/auth/me"));
    profile.value = body.data;
};

/** Ends the session, in all tabs. */
export const signOut = async (): Promise<void> => {
    await call(api.POST("/v1/auth/logout"));
    forgetOrganizations();
    end();
};
