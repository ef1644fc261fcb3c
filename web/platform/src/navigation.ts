import { signal } from "@preact/signals";

/** Is true while the script of the next page is loading. */
export const isLoadingPage = signal(false);

let route: (url: string, replace?: boolean) => void = (url) => location.assign(url);

/** Goes to a path of this site. */
export const navigate = (path: string, replace = false): void => route(path, replace);

export const setRoute = (value: typeof route): void => {
    route = value;
};

/** Returns `path` if it is a path of this site, otherwise the home page. */
export const ownPath = (path: string | null | undefined): string => {
    if (!path || !/^\/(?![/\\])[^\\\p{Cc}]*$/u.test(path)) return "/";
    return path;
};

/** Returns `path` with a query that leads back to `returnTo`. */
export const withReturnTo = (path: string, returnTo: string | null | undefined): string => {
    const target = ownPath(returnTo);
    return target === "/" ? path : `${path}?${new URLSearchParams({ returnTo: target })}`;
};

/** Goes to the sign-in page, which leads back here. Several requests may want it at once. */
export const goToSignIn = (): void => {
    if (location.pathname === "/sign-in") return;
    navigate(withReturnTo("/sign-in", location.pathname + location.search), true);
};
