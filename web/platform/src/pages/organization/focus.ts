/** Moves the focus to the heading of the page: what had it is gone. */
export const focusHeading = (): void => {
    // After the dialog has given the focus back.
    requestAnimationFrame(() => document.querySelector<HTMLElement>("main h1")?.focus());
};
