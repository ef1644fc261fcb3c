import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const define = (name: string, value: unknown) => Object.defineProperty(globalThis, name, { value, configurable: true });

const stored = new Map<string, string>();
define("sessionStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
});
const open = (url: string) => define("location", new URL(url, "https://console.example.com"));
define("history", { replaceState: (_: unknown, __: string, url: URL) => open(url.href) });

const { forgetLinkToken, linkToken } = await import("../src/pages/sign-in/link-token.js");

beforeEach(() => stored.clear());

test("a token leaves the address, and is found after a reload", () => {
    open("/invitation?token=secret&x=1");
    assert.equal(linkToken(), "secret");
    assert.equal(location.href, "https://console.example.com/invitation?x=1");
    assert.equal(linkToken(), "secret");
});

test("a newer link takes the place of the one before", () => {
    open("/invitation?token=first");
    linkToken();
    open("/invitation?token=second");
    assert.equal(linkToken(), "second");
});

test("a token belongs to the page of its link alone", () => {
    open("/verify-email?token=secret");
    linkToken();
    open("/reset-password");
    assert.equal(linkToken(), null);
});

test("a used token is forgotten", () => {
    open("/verify-email?token=secret");
    linkToken();
    forgetLinkToken();
    assert.equal(linkToken(), null);
});
