// The organizations of the signed-in user, and the role in each.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, call } from "./client";
import type { components } from "./schema";
import { profile } from "./session";

export type Organization = components["schemas"]["Organization"];
export type Role = components["schemas"]["Role"];

/** The first hundred organizations; `undefined` before they are loaded. */
export const organizations = signal<readonly Organization[] | undefined>(undefined);
const roles = signal<Readonly<Record<string, Role>>>({});

/** Loads the organizations again, such as after one was created or renamed. */
export const loadOrganizations = async (): Promise<void> => {
    const { body } = await call(api.GET("/v1/organizations", { params: { query: { limit: 100 } } }));
    organizations.value = body.data;
};

/** Takes over a changed organization, so that the switcher shows it. */
export const showOrganization = (changed: Organization): void => {
    organizations.value = organizations.value?.map((one) => (one.id === changed.id ? changed : one));
};

/** Forgets everything at the end of a session. */
export const forgetOrganizations = (): void => {
    organizations.value = undefined;
    roles.value = {};
};

/** Returns the role of the signed-in user; `undefined` before it is known. */
export const useRole = (organizationId: string): Role | undefined => {
    const userId = profile.value?.id;
    useEffect(() => {
        if (userId === undefined || roles.peek()[organizationId] !== undefined) return;
        const path = { organizationId, memberId: userId };
        call(api.GET("/v1/organizations/{organizationId}/members/{memberId}", { params: { path } }))
            .then(({ body }) => {
                roles.value = { ...roles.value, [organizationId]: body.data.role };
            })
            // The page itself shows what is wrong.
            .catch(() => undefined);
    }, [organizationId, userId]);
    return roles.value[organizationId];
};

/** Tells whether a role may do what owners and administrators may. */
export const manages = (role: Role | undefined): boolean => role === "owner" || role === "admin";

const LAST = "arches.organization";

/** Remembers the organization that was open last, in this browser. */
export const rememberOrganization = (organizationId: string): void => localStorage.setItem(LAST, organizationId);

export const lastOrganization = (): string | null => localStorage.getItem(LAST);
