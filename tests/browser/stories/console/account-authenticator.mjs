// Somebody adds an authenticator app, stores its recovery codes, makes new ones, and removes the app. `time` is that of the API, in seconds.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { call, ok, tell } from "../../chromium.mjs";
import { CONSOLE, answer, asks, field, isAtHeading, looksRight, press, said, visitAccount } from "../../console.mjs";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

// Returns the code of an authenticator app (RFC 6238).
const codeOf = (secret, time) => {
    const bits = [...secret].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
    const seed = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
    const step = Buffer.alloc(8);
    step.writeBigUInt64BE(BigInt(Math.floor(time / 30)));
    const tag = createHmac("sha1", seed).update(step).digest();
    const number = tag.readUInt32BE(tag[19] & 0xf) & 0x7fff_ffff;
    return String(number % 1_000_000).padStart(6, "0");
};

await tell(async ({ open, person, time }) => {
    const page = await visitAccount(open, "sign-in-methods", person);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: CONSOLE });
    const stranger = await open();
    await stranger.goto(`${CONSOLE}/config.json`);
    const { email, password } = person;
    const login = () => call(stranger, "POST", "/v1/auth/login", { body: { email, password } });
    const codes = async () => (await page.getByRole("dialog").locator("code").innerText()).trim().split(/\s+/);

    await press(page, "Set up Authenticator app");
    await asks(page, "Set up an authenticator app");
    await page.getByRole("img", { name: "QR code with the key for your authenticator app" }).waitFor();
    const secret = (await page.getByRole("dialog").locator("code").innerText()).trim();
    assert.match(secret, /^[A-Z2-7]{32}$/);
    await page.getByRole("dialog").getByRole("button", { name: "Copy Key" }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);

    const code = field(page, "2. Enter the code that the app shows");
    await code.fill("12");
    await answer(page, "Turn on");
    await page.getByText("Enter the six digits.").waitFor();
    await code.fill(codeOf(secret, time + 86_400));
    await answer(page, "Turn on");
    await page.getByText("This code is not right.").waitFor();
    await looksRight(page, "a wrong code");
    await code.fill(codeOf(secret, time));
    await answer(page, "Turn on");

    await asks(page, "Your recovery codes");
    const first = await codes();
    assert.equal(first.length, 10);
    const downloading = page.waitForEvent("download");
    await answer(page, "Download as a text file");
    const download = await downloading;
    assert.equal(download.suggestedFilename(), "arches-recovery-codes.txt");
    const text = await readFile(await download.path(), "utf8");
    for (const line of [email, ...first]) assert.ok(text.includes(line), `${line} is in the file`);
    await page.keyboard.press("Escape");
    await asks(page, "Close without storing them?");
    await answer(page, "Cancel");
    await answer(page, "I have stored them");
    await isAtHeading(page);
    await said(page, "The authenticator app is on. All other sessions have ended.");
    await page.getByText("10 codes left").waitFor();
    await looksRight(page, "an authenticator app");
    assert.ok(ok(await login(), 200).challenge, "a sign-in needs a second factor");

    await press(page, "Make new codes");
    await asks(page, "Make new recovery codes?");
    await answer(page, "Make new codes");
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
    assert.ok((await codes()).every((code) => !first.includes(code)));
    await answer(page, "I have stored them");

    await press(page, "Remove Authenticator app");
    await asks(page, "Remove the authenticator app?");
    await answer(page, "Remove");
    await said(page, "The authenticator app is removed.");
    await page.getByText("Off", { exact: true }).waitFor();
    ok(await login(), 201);
});
