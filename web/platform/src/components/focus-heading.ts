/** Moves the focus to the heading of the page, because what had it is gone. */
export const focusHeading = (): void => {
    // After a dialog has given the focus back.
    setTimeout(() => document.querySelector<HTMLElement>("main h1")?.focus());
};
