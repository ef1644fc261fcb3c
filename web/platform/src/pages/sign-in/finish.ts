// The end of the first step of a sign-in: a session, or a challenge for the second factor.

import { signal } from "@preact/signals";
import { lastOrganization } from "../../api/organizations";
import type { components } from "../../api/schema";
import { begin } from "../../api/session";
import { navigate, ownPath } from "../../navigation";

type SignedIn = components["schemas"]["SignedIn"];
type ChallengeNeeded = components["schemas"]["ChallengeNeeded"];

/** The sign-in that waits for a second factor. In memory only: its token is a secret. */
export const waiting = signal<{ challenge: ChallengeNeeded["challenge"]; returnTo: string } | null>(null);

const homeOf = (userId: string): string => {
    const last = lastOrganization(userId);
    return last === null ? "/" : `/organizations/${last}/artifacts`;
};

/** Goes on after a sign-in: to `returnTo`, or to the second factor. */
export const finish = (answer: { data: SignedIn | ChallengeNeeded }, returnTo: string | null | undefined): void => {
    const target = ownPath(returnTo);
    if ("challenge" in answer.data) {
        waiting.value = { challenge: answer.data.challenge, returnTo: target };
        navigate("/second-factor", true);
        return;
    }
    waiting.value = null;
    begin(answer.data);
    navigate(target === "/" ? homeOf(answer.data.user.id) : target, true);
};
