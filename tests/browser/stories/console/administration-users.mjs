// An administrator looks for accounts.
import assert from "node:assert/strict";
import { accessible } from "../../axe.mjs";
import { tell } from "../../chromium.mjs";
import { fitsInto, visit } from "../../console.mjs";

const PATH = "/administration/users";

await tell(async ({ open, person, people }) => {
    const page = await visit(open, PATH, { person });
    const rowOf = ({ email }) => page.getByRole("row").filter({ hasText: email });
    const shows = async (one) => {
        await rowOf(person).waitFor({ state: "detached" });
        await rowOf(one).waitFor();
        assert.equal(await page.getByRole("row").count(), 2, "the head, and one row");
    };

    for (const one of people) {
        await rowOf(one).waitFor();
        for (const state of one.states) await rowOf(one).getByText(state, { exact: true }).waitFor();
    }
    assert.equal(await page.getByRole("row").count(), people.length + 1);
    await accessible(page, "users");
    await fitsInto(page, 320);
    await accessible(page, "users on a phone");
    await page.setViewportSize({ width: 1280, height: 800 });

    // By state: in the address of the page, so "Back" works.
    const suspended = people.find(({ states }) => states.includes("Suspended"));
    await page.getByRole("link", { name: "Suspended" }).click();
    await page.waitForURL((url) => url.search === "?status=suspended");
    await shows(suspended);
    await page.goBack();
    await rowOf(person).waitFor();

    await page.getByRole("link", { name: "Erased" }).click();
    await page.getByRole("heading", { name: "No accounts here" }).waitFor();
    await accessible(page, "no users in a state");
    await page.getByRole("link", { name: "Show all accounts" }).click();

    await page.getByRole("link", { name: "Oldest first" }).click();
    await page.waitForURL((url) => url.search === "?sort=createdAt");
    await rowOf(person).waitFor();

    // By address, in every state.
    const field = page.getByLabel("Find by e-mail address");
    const find = page.getByRole("button", { name: "Find" });
    await field.fill("nobody");
    await find.click();
    await page.getByText("Enter an e-mail address such as ada@example.com.").waitFor();
    assert.ok(await field.evaluate((element) => element === document.activeElement), "the focus is in the wrong field");
    await accessible(page, "an invalid address");
    await field.fill("nobody@example.com");
    await find.click();
    await page.getByRole("heading", { name: "No account has this address" }).waitFor();
    await accessible(page, "nobody is found");
    await page.getByRole("button", { name: "Show all accounts" }).click();
    await rowOf(person).waitFor();
    assert.equal(await field.inputValue(), "");

    await field.fill(suspended.email.toUpperCase());
    await page.keyboard.press("Enter");
    await shows(suspended);
    assert.ok(!page.url().includes("@"), "an address of a person is not in the address of the page");
    await rowOf(suspended).getByRole("link").click();
    await page.getByRole("heading", { level: 1, name: suspended.name }).waitFor();
    await page.getByRole("link", { name: "Users" }).click();
    await page.getByRole("heading", { level: 1, name: "Users" }).waitFor();
});
