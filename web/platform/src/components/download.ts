const KEPT = 60_000;

/** Gives the browser a file to save. */
export const download = (name: string, content: string, type: string): void => {
    const url = URL.createObjectURL(new Blob([content], { type }));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), KEPT);
};
