// The only owner cannot leave, and is told why.
import { tell } from "../../chromium.mjs";
import { answer, choose, looksRight, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, person }) => {
    const page = await visitOrganization(open, organization, "members", person);
    await page.getByRole("heading", { name: "Nobody else is here yet" }).waitFor();
    await looksRight(page, "an owner alone");
    await choose(page, "Ada", "Leave");
    await answer(page, "Leave");
    await page.getByRole("dialog").getByText("Make another member an owner, or delete the organization.").waitFor();
    await looksRight(page, "an owner who cannot leave");
    await answer(page, "Cancel");
    await page.getByRole("dialog").waitFor({ state: "detached" });
});
