import assert from "node:assert/strict";
import { test } from "node:test";
import { keepsSession } from "../src/api/config.js";

test("a session is kept if the console and the API are below one domain", () => {
    assert.ok(keepsSession("https://api.example.com", "https://console.example.com/sign-in"));
    assert.ok(keepsSession("http://localhost:9000", "http://localhost:9005/"));
    assert.ok(!keepsSession("https://x.execute-api.eu-central-1.amazonaws.com", "https://d1.cloudfront.net/"));
    assert.ok(!keepsSession("https://api.example.com", "https://example.org"));
});
