// Chat, for the stories.
import assert from "node:assert/strict";

// Returns the field for a question.
export const questionField = (page) => page.getByRole("main").getByRole("textbox");

// Asks as a person does.
export const ask = async (page, question) => {
    await questionField(page).fill(question);
    await page.keyboard.press("Enter");
};

// Returns the answers on the page, the oldest first.
export const answers = (page) => page.getByRole("article").filter({ has: page.getByRole("heading", { name: "Answer", exact: true }) });

// Waits until the last of so many answers has ended. Returns it.
export const ended = async (page, count) => {
    const last = answers(page).nth(count - 1);
    await last.locator("footer").waitFor({ timeout: 60_000 });
    assert.equal(await answers(page).count(), count);
    return last;
};

// Waits for what a screen reader says about an answer. It says nothing about each word.
export const announced = (page, text) => page.getByRole("main").getByRole("status").filter({ hasText: text }).waitFor({ state: "attached" });

// Waits for a button of the page.
export const button = (page, name) => page.getByRole("main").getByRole("button", { name, exact: true });
