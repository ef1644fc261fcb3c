// Somebody who is no administrator opens the pages of administrators.
import { accessible } from "../../axe.mjs";
import { tell } from "../../chromium.mjs";
import { CONSOLE, fitsInto, visit } from "../../console.mjs";

await tell(async ({ open, person, user }) => {
    const page = await visit(open, "/administration/users", { person });
    for (const path of ["/administration/users", `/administration/users/${user.id}`, "/administration/audit"]) {
        await page.goto(`${CONSOLE}${path}`);
        await page.getByRole("heading", { name: "Only for administrators of the system" }).waitFor();
        await accessible(page, `${path} for others`);
        await fitsInto(page, 320);
        await page.getByRole("link", { name: "Go to your organizations" }).click();
        await page.waitForURL(`${CONSOLE}/`);
    }
});
