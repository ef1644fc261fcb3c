// An administrator who signed in long ago confirms who they are before they end the sessions of somebody.
import { accessible } from "../../axe.mjs";
import { tell } from "../../chromium.mjs";
import { CONSOLE } from "../../console.mjs";

await tell(async ({ open, person, refreshToken, user }) => {
    const page = await open();
    // Chromium takes a `Secure` cookie of `localhost` from a script only with this scheme.
    const cookie = { name: "__Host-arches_refresh", value: refreshToken, url: "https://localhost/", secure: true, httpOnly: true, sameSite: "Strict" };
    await page.context().addCookies([cookie]);
    await page.goto(`${CONSOLE}/administration/users/${user.id}`);
    await page.getByRole("button", { name: "End all sessions" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "End all sessions" }).click();

    const question = page.getByRole("dialog", { name: "Confirm that it is you" });
    const password = question.getByRole("textbox", { name: "Password" });
    await password.fill("not the password");
    await question.getByRole("button", { name: "Confirm" }).click();
    await question.getByText("This password is not right.").waitFor();
    await accessible(page, "a wrong password");
    await password.fill(person.password);
    await question.getByRole("button", { name: "Confirm" }).click();
    await page.locator(".toast").filter({ hasText: `${user.name} is signed out everywhere.` }).waitFor();
});
