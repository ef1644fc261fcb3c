// Somebody renames a conversation while another window does, chooses its model, and deletes it.
import assert from "node:assert/strict";
import { ask, button, ended, questionField } from "../../chat.mjs";
import { callWithoutBrowser, ok, tell } from "../../chromium.mjs";
import { answer, asks, choose, looksRight, said, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, conversation, person, models }) => {
    const path = `${organization}/conversations/${conversation}`;
    const login = { email: person.email, password: person.password };
    const { accessToken: token } = ok(await callWithoutBrowser("POST", "/v1/auth/login", { body: login }), 201);
    const show = async () => ok(await callWithoutBrowser("GET", path, { token }), 200);
    const page = await visitOrganization(open, organization, `conversations/${conversation}`, person);
    const title = page.getByRole("dialog").getByRole("textbox", { name: "Title" });
    const model = page.getByRole("dialog").getByRole("textbox", { name: "Model" });
    const head = (name) => page.getByRole("heading", { level: 1, name, exact: true });
    const listed = (name) => page.getByRole("navigation", { name: "Conversations" }).getByRole("link", { name });
    const edit = async (name) => {
        await page.getByRole("main").locator("header").getByRole("button", { name: `Actions for “${name}”` }).click();
        await page.getByRole("button", { name: "Edit", exact: true }).click();
        await model.waitFor();
    };

    // The operator has taken its model away.
    await head("Untitled").waitFor();
    await ask(page, "What is a loom?");
    await page.getByText("The model of this conversation is not available any more.").waitFor();
    await looksRight(page, "a model that is not available");

    await edit("Untitled");
    await asks(page, "Edit the conversation");
    await title.fill("Looms");
    await model.fill("gpt-0");
    await answer(page, "Save");
    await page.getByRole("dialog").getByText("There is no such model here.").waitFor();
    await asks(page, "Edit the conversation", "a model that is unknown");
    await model.fill(models[1]);
    await answer(page, "Save");
    await said(page, "Saved.");
    await head("Looms").waitFor();
    await listed("Looms").waitFor();
    assert.match(await page.title(), /^Looms · /);
    const { title: savedTitle, model: savedModel } = await show();
    assert.deepEqual([savedTitle, savedModel], ["Looms", models[1]]);
    await button(page, "Ask").click();
    await (await ended(page, 1)).getByText(models[1]).waitFor();

    await edit("Looms");
    ok(await callWithoutBrowser("PATCH", path, { body: { title: "Their looms" }, token }), 200);
    await title.fill("My looms");
    await answer(page, "Save");
    await asks(page, "Somebody else changed this");
    await page.getByRole("dialog").getByText("Their looms").last().waitFor();
    await answer(page, "Save your version");
    await said(page, "Saved.");
    await head("My looms").waitFor();
    assert.equal((await show()).title, "My looms");

    await choose(page.getByRole("navigation", { name: "Conversations" }), "“My looms”", "Delete");
    await asks(page, "Delete the conversation?");
    await answer(page, "Cancel");
    await head("My looms").waitFor();
    await choose(page.getByRole("navigation", { name: "Conversations" }), "“My looms”", "Delete");
    await answer(page, "Delete");
    await head("Ask your artifacts").waitFor();
    await said(page, "Conversation deleted.");
    assert.equal(await listed("My looms").count(), 0);
    assert.equal((await callWithoutBrowser("GET", path, { token })).status, 404);
    await questionField(page).waitFor();
});
