// Somebody connects an account at a provider, and removes it.
import { tell } from "../../chromium.mjs";
import { CONSOLE, answer, asks, isAtHeading, looksRight, press, said, visitAccount } from "../../console.mjs";

await tell(async ({ open, person, persona, address }) => {
    const page = await visitAccount(open, "sign-in-methods", person);
    await page.getByText("No account connected yet.").waitFor();
    await press(page, "Connect Acme");
    await page.getByRole("button", { name: persona }).click();
    await page.waitForURL(`${CONSOLE}/account/sign-in-methods`);
    await page.getByText(address).waitFor();
    await looksRight(page, "a connected provider");

    await press(page, "Remove Acme");
    await asks(page, "Remove Acme?");
    await answer(page, "Remove");
    await isAtHeading(page);
    await said(page, "Acme removed. All other sessions have ended.");
    await page.getByText("No account connected yet.").waitFor();
});
