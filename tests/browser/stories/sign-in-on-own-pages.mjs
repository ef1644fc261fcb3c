// A person chooses a persona at a provider, and comes back to the API's own page.
import assert from "node:assert/strict";
import { API, beginAtProvider, sameSiteOf, tell } from "../chromium.mjs";

await tell(async ({ open, provider, persona, says, isSignedIn }) => {
    const page = await open();
    await beginAtProvider(page, provider);
    await page.getByRole("button", { name: persona }).click();
    await page.getByText(says).waitFor();
    assert.equal(page.url(), `${API}/account/signed-in`, "the code is not in the address any more");
    if (isSignedIn) assert.equal(await sameSiteOf(page, "__Host-arches_refresh"), "Strict");
    else assert.ok((await page.context().cookies(API)).every(({ name }) => name === "__Host-arches_flow"));
});
