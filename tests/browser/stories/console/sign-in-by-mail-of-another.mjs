// Somebody opens a link that signs in another account than theirs: the page says so before, and what is shown after is the other's.
import { tell } from "../../chromium.mjs";
import { CONSOLE, visit } from "../../console.mjs";

await tell(async ({ open, link, person, other }) => {
    const page = await visit(open, "/", { person });
    const account = (tab, name) => tab.getByRole("button", { name: `${name}: Your account` });
    await account(page, person.name).waitFor();
    const second = await page.context().newPage();
    await second.goto(`${CONSOLE}/`);
    await account(second, person.name).waitFor();

    await page.goto(link);
    await page.getByText(`You are signed in as ${person.email}.`).waitFor();
    await page.getByRole("link", { name: "Stay signed in as you are" }).click();
    await account(page, person.name).waitFor();
    await page.goBack();
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".toast").filter({ hasText: `You are signed in as ${other.email} now.` }).waitFor();
    await account(page, other.name).waitFor();
    await account(second, other.name).waitFor();
});
