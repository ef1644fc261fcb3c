// The organizations of the signed-in user, and the role in each.

import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, call } from "./client";
import { type List, listOf } from "./pages";
import type { components } from "./schema";
import { profile, whenUserChanges } from "./session";

export type Organization = components["schemas"]["Organization"];
export type Role = components["schemas"]["Role"];

const listOfUser = () =>
    listOf(({ cursor }, signal) =>
        call(api.GET("/v1/organizations", { params: { query: { cursor, limit: 100 } }, signal })),
    );

const current = signal(listOfUser());
const roles = signal<Readonly<Record<string, Role>>>({});

/** Returns the list of the organizations: the first hundred, and more when it is asked for them. */
export const organizationList = (): List<Organization> => current.value[0];

/** The organizations that are loaded; `undefined` before that. */
export const organizations = computed(() => {
    const { items, state } = organizationList();
    return state.value === "ready" || items.value.length > 0 ? items.value : undefined;
});

/** Loads the organizations again, such as after one was created or renamed. Does not throw. */
export const loadOrganizations = (): Promise<void> => current.peek()[0].reload();

/** Takes over a changed organization, so that the switcher shows it. */
export const showOrganization = (changed: Organization): void => {
    const { items } = current.peek()[0];
    items.value = items.peek().map((one) => (one.id === changed.id ? changed : one));
};

whenUserChanges(() => {
    const [, stop] = current.peek();
    stop();
    current.value = listOfUser();
    roles.value = {};
});

/** Takes over the role of the signed-in user, such as after a change of it. */
export const showRole = (organizationId: string, role: Role): void => {
    roles.value = { ...roles.value, [organizationId]: role };
};

const loadingRoles = new Map<string, Promise<void>>();

/** Loads the role of the signed-in user, unless it is known. */
export const loadRole = async (organizationId: string): Promise<void> => {
    const memberId = profile.peek()?.id;
    if (memberId === undefined || roles.peek()[organizationId] !== undefined) return;
    const path = { organizationId, memberId };
    const key = `${memberId} ${organizationId}`;
    const loading =
        loadingRoles.get(key) ??
        call(api.GET("/v1/organizations/{organizationId}/members/{memberId}", { params: { path } }))
            .then(({ body }) => {
                if (profile.peek()?.id === memberId) showRole(organizationId, body.data.role);
            })
            .finally(() => loadingRoles.delete(key));
    loadingRoles.set(key, loading);
    await loading;
};

/** Returns the role of the signed-in user; `undefined` before it is known. */
export const useRole = (organizationId: string): Role | undefined => {
    const userId = profile.value?.id;
    useEffect(() => {
        // The page itself shows what is wrong.
        loadRole(organizationId).catch(() => undefined);
    }, [organizationId, userId]);
    return roles.value[organizationId];
};

/** Tells whether a role may do what owners and administrators may. */
export const manages = (role: Role | undefined): role is "owner" | "admin" => role === "owner" || role === "admin";

// Of each user: several people may use one browser.
const lastOf = (userId: string): string => `arches.organization.${userId}`;

/** Remembers the organization that was open last, in this browser. */
export const rememberOrganization = (userId: string, organizationId: string): void =>
    localStorage.setItem(lastOf(userId), organizationId);

/** Forgets it, such as when the user or the organization is gone. */
export const forgetOrganization = (userId: string): void => localStorage.removeItem(lastOf(userId));

/** Returns the organization that the user had open last. */
export const lastOrganization = (userId: string): string | null => localStorage.getItem(lastOf(userId));
