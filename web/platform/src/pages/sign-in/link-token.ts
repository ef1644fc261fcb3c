// The token of a mailed link. It is a secret, so it leaves the address, and with it the history, at once. This tab keeps it: a reload and
// the way back from a sign-in find it.

const keyOf = (path: string): string => `arches.link ${path}`;

/** Returns the token of the link that led to this page. */
export const linkToken = (): string | null => {
    const url = new URL(location.href);
    const token = url.searchParams.get("token");
    if (token !== null) {
        sessionStorage.setItem(keyOf(url.pathname), token);
        url.searchParams.delete("token");
        history.replaceState(null, "", url);
    }
    return sessionStorage.getItem(keyOf(url.pathname));
};

/** Forgets the token of this page: it has been used. */
export const forgetLinkToken = (): void => sessionStorage.removeItem(keyOf(location.pathname));
