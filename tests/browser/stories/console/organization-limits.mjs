// An administrator of the system sets the limits of requests of an organization and of a key.
import { tell } from "../../chromium.mjs";
import { answer, asks, choose, field, press, said, visitOrganization } from "../../console.mjs";

await tell(async ({ open, organization, person }) => {
    const page = await visitOrganization(open, organization, "api-keys", person);
    await press(page, "Limit of requests");
    const requests = field(page, "Requests in this time optional");
    await requests.fill("0");
    await answer(page, "Set the limit");
    await page.getByText("Enter a whole number from 1 to 1,000,000.").waitFor();
    await asks(page, "Limit of requests", "a wrong limit");
    await requests.fill("500");
    await answer(page, "Set the limit");
    await said(page, "The limit is set. It applies in a moment.");

    await choose(page, "Key", "Limit of requests");
    await requests.fill("50");
    await answer(page, "Set the limit");
    await said(page, "The limit is set. It applies in a moment.");
});
