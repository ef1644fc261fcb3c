import { useEffect, useState } from "preact/hooks";
import { findProfile } from "./account";
import { type Profile, profile } from "./session";

/** Returns the signed-in user for a page that also works without one: null if nobody is, undefined before it is known. */
export const useProfile = (): Profile | null | undefined => {
    const [isAsked, setAsked] = useState(false);
    useEffect(() => {
        // Without an answer, the page behaves as if nobody had signed in.
        findProfile()
            .catch(() => null)
            .finally(() => setAsked(true));
    }, []);
    return profile.value ?? (isAsked ? null : undefined);
};
