import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const STORED = "arches.theme";

const isTheme = (value: string | null): value is Theme => value === "system" || value === "light" || value === "dark";

const stored = localStorage.getItem(STORED);

export const theme = signal<Theme>(isTheme(stored) ? stored : "system");

/** Shows the theme, and remembers it in this browser. */
export const setTheme = (value: Theme): void => {
    theme.value = value;
    localStorage.setItem(STORED, value);
    showTheme();
};

export const showTheme = (): void => {
    document.documentElement.dataset.theme = theme.value;
};
