// The end of the first step of a sign-in: a session, or a challenge for the second factor.

import { signal } from "@preact/signals";
import { lastOrganization } from "../../api/organizations";
import type { components } from "../../api/schema";
import { begin } from "../../api/session";
import { say } from "../../components/toast";
import { navigate, ownPath } from "../../navigation";
import { signIn as texts } from "../../texts";

type SignedIn = components["schemas"]["SignedIn"];
type ChallengeNeeded = components["schemas"]["ChallengeNeeded"];

/** The sign-in that waits for a second factor. Its token is a secret: it is in memory only, and ends with the page that asks for the factor. */
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
    const { user } = answer.data;
    if (begin(answer.data)) say(texts.otherSignedIn(user.email));
    navigate(target === "/" ? homeOf(user.id) : target, true);
};
