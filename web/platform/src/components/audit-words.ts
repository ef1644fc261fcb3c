// An event of the audit log in words.

import { own } from "../api/own";
import type { components } from "../api/schema";
import { audit as texts } from "../texts";
import type { IconName } from "./icon";

export type AuditEvent = components["schemas"]["AuditEvent"];
type Change = components["schemas"]["FieldChange"];
type Value = NonNullable<Change["from"]>;

export const AREAS = ["account", "signIn", "organization", "work"] as const;
export type Area = (typeof AREAS)[number];

/** Returns what happened. An action that this version does not know is shown by its name. */
export const happened = ({ action, outcome }: AuditEvent): string => {
    const words = AREAS.map((area) => own(texts.areas[area].actions, action)).find(Boolean);
    const done = words?.done ?? action;
    return isRefused(outcome) ? (words?.denied ?? texts.refused(done)) : done;
};

export const isRefused = (outcome: string): boolean => outcome === "denied";

const ICONS: Record<string, IconName | undefined> = {
    session: "sessions",
    organization: "organization",
    member: "users",
    invitation: "mail",
    api_key: "key",
    artifact: "artifacts",
    label: "artifacts",
    conversation: "chat",
    answer: "chat",
    access: "lock",
};

export const iconOf = (action: string): IconName => own(ICONS, action.split(".")[0] ?? "") ?? "user";

/** The actions of which a user can be the target. */
export const isAboutUser = (action: string): boolean => /^(user|session|member)\./.test(action);

/** What the service does by itself. */
const BY_SERVICE = [
    "artifact.ready",
    "artifact.failed",
    "organization.purged",
    "user.erased",
    "user.imported",
    "user.mail_stopped",
];

/** Returns who did it, if it was not a user. `unknown` says that the log does not tell. */
export const otherActor = ({ action, apiKeyId }: AuditEvent, unknown = texts.byUnknown): string => {
    if (apiKeyId) return texts.byApiKey;
    return BY_SERVICE.includes(action) ? texts.byService : unknown;
};

/** Returns the changed fields, such as "role: from member to admin, name". */
export const changed = ({ changes }: AuditEvent): string =>
    Object.entries(changes ?? {})
        .map(([field, change]) => [own(texts.fields, field) ?? field, describe(change)].filter(Boolean).join(": "))
        .join(", ");

const describe = ({ from, to }: Change): string => {
    if (from === undefined && to === undefined) return "";
    if (Array.isArray(from) || Array.isArray(to)) return compare(scopesOf(from), scopesOf(to));
    if (typeof to === "boolean" || from === undefined) return word(to);
    return texts.fromTo(word(from), word(to));
};

const scopesOf = (value: Value | undefined): string[] => (Array.isArray(value) ? value : []);

const compare = (from: string[], to: string[]): string => {
    const added = to.filter((scope) => !from.includes(scope));
    const removed = from.filter((scope) => !to.includes(scope));
    return [added.length > 0 && texts.added(added.join(" ")), removed.length > 0 && texts.removed(removed.join(" "))]
        .filter(Boolean)
        .join(", ");
};

const word = (value: Value | undefined): string => {
    if (value === undefined) return texts.none;
    if (typeof value === "boolean") return value ? texts.yes : texts.no;
    return String(value);
};
