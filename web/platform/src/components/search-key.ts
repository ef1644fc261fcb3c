// Ctrl+K, on a Mac ⌘K, leads to the search.

import { useEffect } from "preact/hooks";
import { navigate } from "../navigation";

const isMac = /Mac|iP/.test(navigator.platform);

/** How the keys are shown, and how `aria-keyshortcuts` names them. */
export const SEARCH_KEYS = isMac ? { text: "⌘K", name: "Meta+K" } : { text: "Ctrl K", name: "Control+K" };

/** Goes to a search page, or to its field, when the keys are pressed. Not while a dialog asks something. */
export const useSearchKey = (path: string): void => {
    useEffect(() => {
        const search = (event: KeyboardEvent) => {
            const isPressed =
                event.key?.toLowerCase() === "k" && (isMac ? event.metaKey : event.ctrlKey) && !event.altKey;
            if (!isPressed || document.querySelector("dialog[open]")) return;
            event.preventDefault();
            if (location.pathname === path) document.querySelector<HTMLInputElement>("search [type=search]")?.select();
            else navigate(path);
        };
        addEventListener("keydown", search);
        return () => removeEventListener("keydown", search);
    }, [path]);
};
