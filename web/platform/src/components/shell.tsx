// The frame of every page for people who have signed in: navigation at the side, above the page on a phone.

import { effect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { loadProfile } from "../api/account";
import { loadOrganizations, organizations, rememberOrganization } from "../api/organizations";
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

/** Returns the id of the organization that a path is about. */
const organizationOf = (path: string): string | null => /^\/organizations\/([^/]+)/.exec(path)?.[1] ?? null;

export const Shell = ({ children }: { children: ComponentChildren }) => {
    const { path } = useLocation();
    const sidebar = useRef<HTMLElement>(null);
    const [failed, setFailed] = useState<Problem | null>(null);
    const organizationId = organizationOf(path);
    const isWide = useIsWide();

    const load = () => {
        setFailed(null);
        Promise.all([loadProfile(), organizations.peek() ?? loadOrganizations()]).catch((error: unknown) => {
            // Without a session, the sign-in page is on its way.
            if (profile.peek() !== null) setFailed(Problem.from(error));
        });
    };
    useEffect(load, []);
    useEffect(() => {
        if (organizationId !== null) rememberOrganization(organizationId);
        if (sidebar.current?.matches(":popover-open")) sidebar.current.hidePopover();
    }, [organizationId, path]);

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
                <OrganizationSwitcher current={organizationId} />
                <Navigation organizationId={organizationId} />
                <div class="sidebar-end">
                    <UserMenu />
                </div>
            </aside>
            <main id="content" class="content" tabIndex={-1}>
                {failed && <Failure problem={failed} retry={load} />}
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
