// Somebody sees what is stored, takes it along, and leaves. The owner of an organization with others cannot leave yet.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { tell } from "../../chromium.mjs";
import { CONSOLE, answer, asks, field, looksRight, press, said, visitAccount } from "../../console.mjs";

const read = async (download) => JSON.parse(await readFile(await download.path(), "utf8"));

await tell(async ({ open, person, owner }) => {
    const page = await visitAccount(open, "data", person);
    await looksRight(page, "data");

    // The document.
    await press(page, "Show my data");
    await page.getByText("Nothing about you is in:").waitFor();
    await page.getByRole("group").filter({ hasText: /^Sessions/ }).locator("summary").click();
    await page.getByRole("region", { name: "Entries: Sessions" }).waitFor();
    await looksRight(page, "what is stored");
    const saving = page.waitForEvent("download");
    await press(page, "Download this as JSON");
    const saved = await saving;
    assert.equal(saved.suggestedFilename(), "arches-data.json");
    assert.equal((await read(saved)).userId, person.id);

    // The file.
    await press(page, "Make the file");
    await page.getByText("Your file is ready").waitFor();
    await looksRight(page, "the file");
    const loading = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download the file" }).click();
    const loaded = await loading;
    assert.equal(loaded.suggestedFilename(), "arches-export.json");
    assert.equal((await read(loaded)).userId, person.id);

    // The owner of an organization with others.
    const second = await visitAccount(open, "data", owner);
    await press(second, "Delete my account");
    await field(second, `Type “${owner.email}” to confirm`).fill(owner.email);
    await answer(second, "Delete my account");
    await second.getByText("You are the only owner of an organization with other members.").waitFor();
    await looksRight(second, "an owner who cannot leave");

    // The end. This browser remembers no organization of theirs any more.
    const remembered = () => page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("arches.organization.")));
    await page.goto(`${CONSOLE}/`);
    await page.getByRole("list", { name: "Your organizations" }).getByRole("link").first().click();
    await page.getByRole("heading", { level: 1, name: "Artifacts" }).waitFor();
    await page.waitForFunction((key) => localStorage.getItem(key), `arches.organization.${person.id}`);
    await page.goto(`${CONSOLE}/account/data`);
    await press(page, "Delete my account");
    await asks(page, "Delete your account?");
    const typed = field(page, `Type “${person.email}” to confirm`);
    await typed.fill("somebody@example.com");
    await page.keyboard.press("Enter");
    await page.locator(".field-error").waitFor();
    await looksRight(page, "another address was typed");
    await typed.fill(person.email);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${CONSOLE}/sign-in`);
    await said(page, "Your account is deleted.");
    assert.deepEqual(await remembered(), []);
    await page.goto(`${CONSOLE}/account/profile`);
    await page.waitForURL((url) => url.pathname === "/sign-in");
});
