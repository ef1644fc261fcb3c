// The frame of every page for people who have signed in: navigation at the side, above the page on a phone.

import { effect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { loadProfile } from "../api/account";
import {
    forgetOrganization,
    lastOrganization,
    loadOrganizations,
    organizations,
    rememberOrganization,
} from "../api/organizations";
import { Problem } from "../api/problem";
import { profile } from "../api/session";
import { isLoadingPage } from "../navigation";
import { general as texts } from "../texts";
import { Brand } from "./brand";
import { Button } from "./button";
import { Failure } from "./failure";
import { Navigation } from "./navigation";
import { OrganizationSwitcher } from "./organization-switcher";
import "./shell.css";
import { SkeletonText } from "./skeleton";
import { UserMenu } from "./user-menu";
import { VerifyNotice } from "./verify-notice";

/** Returns the id of the organization that a path is about. */
const organizationOf = (path: string): string | null => /^\/organizations\/([^/]+)/.exec(path)?.[1] ?? null;

/** Returns the id if it is one of the user's organizations. */
const known = (id: string | null): string | null =>
    organizations.value?.some((organization) => organization.id === id && !organization.deletedAt) ? id : null;

export const Shell = ({ children }: { children: ComponentChildren }) => {
    const { path } = useLocation();
    const sidebar = useRef<HTMLElement>(null);
    const [failed, setFailed] = useState<Problem | null>(null);
    const isWide = useIsWide();
    const userId = profile.value?.id;
    const organizationId = organizationOf(path);
    // Pages about no organization keep the navigation of the last one.
    const last = userId === undefined ? null : lastOrganization(userId);
    const shown = organizationId ?? known(last);

    const load = () => {
        setFailed(null);
        loadProfile().catch((error: unknown) => {
            // Without a session, the sign-in page is on its way.
            if (profile.peek() !== null) setFailed(Problem.from(error));
        });
        // A page without the other organizations is better than none.
        if (organizations.peek() === undefined) void loadOrganizations();
    };
    // Before the first paint: what is shown then waits for it.
    useLayoutEffect(load, []);
    useEffect(() => {
        if (sidebar.current?.matches(":popover-open")) sidebar.current.hidePopover();
    }, [path]);
    const visited = known(organizationId);
    const isGone = last !== null && organizations.value !== undefined && known(last) === null;
    useEffect(() => {
        if (userId === undefined) return;
        if (visited !== null) rememberOrganization(userId, visited);
        else if (isGone) forgetOrganization(userId);
    }, [visited, userId, isGone]);

    return (
        <div class="shell">
            <a class="skip" href="#content">
                {texts.skip}
            </a>
            <header class="topbar">
                <Brand />
                <Button look="quiet" icon="menu" label={texts.menu} popovertarget="sidebar" />
            </header>
            <aside id="sidebar" class="sidebar" ref={sidebar} popover={isWide ? undefined : "auto"}>
                <OrganizationSwitcher current={shown} />
                <Navigation organizationId={shown} />
                <div class="sidebar-end">
                    <UserMenu />
                </div>
            </aside>
            <main id="content" class="content" tabIndex={-1}>
                {failed && <Failure problem={failed} retry={load} />}
                {profile.value && <VerifyNotice user={profile.value} />}
                {!failed && (profile.value ? children : <SkeletonText />)}
            </main>
        </div>
    );
};

const WIDE = matchMedia("(min-width: 901px)");

/** Tells whether the sidebar stands beside the page, and is no popover. */
const useIsWide = (): boolean => {
    const [isWide, setWide] = useState(WIDE.matches);
    useEffect(() => {
        const change = () => setWide(WIDE.matches);
        WIDE.addEventListener("change", change);
        return () => WIDE.removeEventListener("change", change);
    }, []);
    return isWide;
};

/** The line at the top while the next page is loading. */
export const Progress = () => {
    const [isShown, setShown] = useState(false);
    useEffect(
        () =>
            effect(() => {
                const isLoading = isLoadingPage.value;
                // Not for a page that is there at once.
                const timer = setTimeout(() => setShown(isLoading), isLoading ? 150 : 0);
                return () => clearTimeout(timer);
            }),
        [],
    );
    return isShown ? <div class="progress" role="progressbar" aria-label={texts.loading} /> : null;
};
