// An event of the audit log in words.

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
    const named = AREAS.map((area) => texts.areas[area].actions[action]).find(Boolean);
    return (isRefused(outcome) ? named?.denied : undefined) ?? named?.done ?? action;
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

export const iconOf = (action: string): IconName => ICONS[action.split(".")[0] ?? ""] ?? "user";

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

/** Returns who did it, if it was not a user. */
export const otherActor = ({ action, apiKeyId }: AuditEvent): string => {
    if (apiKeyId) return texts.byApiKey;
    return BY_SERVICE.includes(action) ? texts.byService : texts.byUnknown;
};

/** Returns the changed fields, such as "role: member → admin, name". */
export const changed = ({ changes }: AuditEvent): string =>
    Object.entries(changes ?? {})
        .map(([field, change]) => describe(texts.fields[field] ?? field, change))
        .join(", ");

const describe = (field: string, { from, to }: Change): string => {
    if (from === undefined && to === undefined) return field;
    if (from === undefined || to === undefined) return `${field}: ${words(to ?? from)}`;
    return `${field}: ${words(from)} → ${words(to)}`;
};

const words = (value: Value | undefined): string => {
    if (value === undefined) return texts.none;
    if (typeof value === "boolean") return value ? texts.yes : texts.no;
    if (typeof value === "string") return value;
    return value.length === 0 ? texts.none : value.join(" ");
};
