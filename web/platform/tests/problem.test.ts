import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldOf, Problem } from "../src/api/problem.js";

test("a pointer names the field it is about", () => {
    const fields = ["email", "scopes", "file/name", "a/b"];
    assert.equal(fieldOf("/email", fields), "email");
    assert.equal(fieldOf("/scopes/1", fields), "scopes");
    assert.equal(fieldOf("/file/name", fields), "file/name");
    assert.equal(fieldOf("/a~1b", fields), "a/b");
    assert.equal(fieldOf("/token", fields), null);
    assert.equal(fieldOf("", fields), null);
});

test("a refusal has its code, its request and the time to wait", () => {
    const headers = { "retry-after": "12", "x-request-id": "other" };
    const body = {
        type: "https://archesai.com/problems/too-many-requests",
        title: "Too Many Requests",
        status: 429,
        detail: "Too many requests.",
        instance: "/v1/auth/login",
        requestId: "abc",
    };
    const problem = Problem.of(new Response(null, { status: 429, headers }), body);
    assert.equal(problem.code, "too-many-requests");
    assert.equal(problem.requestId, "abc");
    assert.equal(problem.retryAfter, 12);
    assert.deepEqual(problem.errors, []);
});

test("an answer that is no problem is a problem, too", () => {
    const headers = { "x-request-id": "abc" };
    const problem = Problem.of(new Response("<html>", { status: 502, headers }), null);
    assert.equal(problem.code, "unexpected");
    assert.equal(problem.status, 502);
    assert.equal(problem.requestId, "abc");
    assert.equal(problem.retryAfter, null);
});

test("no answer is offline, too late, or stopped", () => {
    assert.equal(Problem.from(new TypeError("Failed to fetch")).code, "offline");
    assert.equal(Problem.from(new DOMException("", "TimeoutError")).code, "timeout");
    assert.equal(Problem.from(new DOMException("", "AbortError")).code, "aborted");
});
