import assert from "node:assert/strict";
import { test } from "node:test";
import { ownPath, withReturnTo } from "../src/navigation.js";

test("a path of this site is where a sign-in returns to", () => {
    for (const path of ["/", "/organizations/1/members?role=owner#top", "/invitation?token=a%2Fb", "/a//b"]) {
        assert.equal(ownPath(path), path);
    }
});

test("another site is never where a sign-in returns to", () => {
    const hostile = [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\\..\\evil",
        " /evil.example",
        "evil.example",
        "",
        null,
        undefined,
    ];
    for (const path of hostile) {
        assert.equal(ownPath(path), "/", String(path));
        assert.equal(new URL(ownPath(path), "https://console.example").host, "console.example");
    }
});

test("the way back is left out if it is the home page", () => {
    assert.equal(withReturnTo("/sign-in", "//evil.example"), "/sign-in");
    assert.equal(withReturnTo("/sign-in", "/a?b=c"), "/sign-in?returnTo=%2Fa%3Fb%3Dc");
});
