import type { Role } from "../../api/organizations";
import type { components } from "../../api/schema";

type Scope = components["schemas"]["Scope"];

const roles: Record<Role, string> = { member: "Member", admin: "Administrator", owner: "Owner" };

const roleHints: Record<Role, string> = {
    member: "Works with artifacts, search and chat.",
    admin: "Also manages members, invitations, API keys and settings.",
    owner: "Also deletes the organization, and asks for a second factor.",
};

const scopes: Record<Scope, string> = {
    "organization:read": "Read the profile",
    "organization:write": "Change the profile",
    "members:read": "Read the members",
    "members:write": "Remove plain members",
    "invitations:read": "Read the invitations",
    "invitations:write": "Invite plain members",
    "audit-events:read": "Read the audit log",
    "artifacts:read": "Read and search artifacts",
    "artifacts:write": "Create, change and delete artifacts and labels",
    "chat:write": "Have conversations with a model",
    "usage:read": "Read the usage",
};

/** Roles, and the permissions of API keys. */
export const access = { roles, roleHints, scopes };
