// The artifacts of an organization, for the stories.
import { row } from "./console.mjs";

// The first file waits until the functions that read it have started.
const DEADLINE = 60_000;

export const file = (name, text, mimeType = "text/plain") => ({ name, mimeType, buffer: Buffer.from(text) });

// Chooses files in the dialog of the browser, which `open` opens.
export const give = async (page, open, files) => {
    const choosing = page.waitForEvent("filechooser");
    // Chromium must know that Playwright chooses, before a key is pressed.
    await page.evaluate(() => undefined);
    await open();
    const chooser = await choosing;
    await chooser.setFiles(files);
    return chooser;
};

// Drops files on the page.
export const drop = async (page, files) => {
    const texts = files.map(({ name, mimeType, buffer }) => [name, mimeType, buffer.toString()]);
    const dataTransfer = await page.evaluateHandle((texts) => {
        const data = new DataTransfer();
        for (const [name, type, text] of texts) data.items.add(new File([text], name, { type }));
        return data;
    }, texts);
    await page.dispatchEvent("main", "dragover", { dataTransfer });
    await page.getByText("Drop the files to upload them").waitFor();
    await page.dispatchEvent("main", "drop", { dataTransfer });
};

// Waits until an artifact in the list has a status.
export const becomes = (page, name, status) => row(page, name).getByText(status, { exact: true }).waitFor({ timeout: DEADLINE });

// Returns the passage that a link is about, after the page has moved to it.
export const foundPassage = async (page) => {
    const passage = page.getByRole("group", { name: /which was found$/ });
    await passage.waitFor();
    await page.waitForFunction(() => {
        const there = document.activeElement;
        const { top, bottom } = there.getBoundingClientRect();
        return there.matches(".text-found") && top < innerHeight && bottom > 0;
    });
    return passage;
};
