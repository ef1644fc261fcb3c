// Every path, and the page that is loaded for it.

import type { AnyComponent } from "preact";
import { lazy } from "preact-iso";
import { NotLoaded } from "./components/broken";

// A page gets the names of its path as properties.
type Component = AnyComponent<object>;
type Page = Component & { preload: () => Promise<unknown> };
type Load = () => Promise<{ default: AnyComponent<never> }>;

const page = (load: Load): Page => {
    const Loaded = lazy(() => (load as () => Promise<{ default: Component }>)().catch(() => ({ default: NotLoaded })));
    // For another organization, a page begins empty.
    const OfOrganization = (props: { organizationId?: string }) => <Loaded key={props.organizationId} {...props} />;
    return Object.assign(OfOrganization, { preload: Loaded.preload });
};

/** Pages for people who have not signed in. */
export const publicPages: Record<string, Page> = {
    "/sign-in": page(() => import("./pages/sign-in/sign-in")),
    "/second-factor": page(() => import("./pages/sign-in/second-factor")),
    "/register": page(() => import("./pages/sign-in/register")),
    "/forgot-password": page(() => import("./pages/sign-in/forgot-password")),
    "/signed-in": page(() => import("./pages/sign-in/signed-in")),
    // Mailed links lead to these; their names are in docs/configuration.md.
    "/reset-password": page(() => import("./pages/sign-in/reset-password")),
    "/verify-email": page(() => import("./pages/sign-in/verify-email")),
    "/confirm-email": page(() => import("./pages/sign-in/confirm-email")),
    "/undo-email-change": page(() => import("./pages/sign-in/undo-email-change")),
    "/magic-link": page(() => import("./pages/sign-in/magic-link")),
    "/link-identity": page(() => import("./pages/sign-in/link-identity")),
    "/reject-sign-in": page(() => import("./pages/sign-in/reject-sign-in")),
    "/reject-link": page(() => import("./pages/sign-in/reject-link")),
    "/invitation": page(() => import("./pages/sign-in/accept-invitation")),
};

/** Pages inside the frame with the navigation. */
export const pages: Record<string, Page> = {
    "/": page(() => import("./pages/home")),

    "/account/profile": page(() => import("./pages/account/profile")),
    "/account/sign-in-methods": page(() => import("./pages/account/sign-in-methods")),
    "/account/sessions": page(() => import("./pages/account/sessions")),
    "/account/data": page(() => import("./pages/account/data")),
    "/account/activity": page(() => import("./pages/account/activity")),

    "/organizations/:organizationId/artifacts": page(() => import("./pages/artifacts/list")),
    "/organizations/:organizationId/artifacts/:artifactId": page(() => import("./pages/artifacts/show")),
    "/organizations/:organizationId/search": page(() => import("./pages/search/search")),
    "/organizations/:organizationId/conversations": page(() => import("./pages/chat/list")),
    "/organizations/:organizationId/conversations/:conversationId": page(() => import("./pages/chat/conversation")),
    "/organizations/:organizationId/members": page(() => import("./pages/organization/members")),
    "/organizations/:organizationId/invitations": page(() => import("./pages/organization/invitations")),
    "/organizations/:organizationId/api-keys": page(() => import("./pages/organization/api-keys")),
    "/organizations/:organizationId/usage": page(() => import("./pages/organization/usage")),
    "/organizations/:organizationId/audit": page(() => import("./pages/organization/audit")),
    "/organizations/:organizationId/settings": page(() => import("./pages/organization/settings")),

    "/administration/users": page(() => import("./pages/administration/users")),
    "/administration/users/:userId": page(() => import("./pages/administration/user")),
    "/administration/audit": page(() => import("./pages/administration/audit")),
};

export const notFound: Page = page(() => import("./pages/not-found"));

/** Begins to load the page of a path, before it is known who the person is. */
export const preload = (path: string): void => {
    const all = Object.entries({ ...publicPages, ...pages });
    const found = all.find(([pattern]) => new RegExp(`^${pattern.replace(/:\w+/g, "[^/]+")}/?$`).test(path));
    void found?.[1].preload();
};
