import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, percent } from "../src/components/numbers.js";
import { ago } from "../src/components/time.js";

const NOW = new Date("2026-06-15T12:00:00Z");
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const after = (difference: number) => ago(new Date(NOW.getTime() + difference), NOW);

test("the unit of a time fits the number that is shown", () => {
    assert.equal(after(0), "now");
    assert.equal(after(-59 * SECOND), "now");
    assert.equal(after(-59.6 * SECOND), "1 minute ago");
    assert.equal(after(-90 * SECOND), "2 minutes ago");
    assert.equal(after(-59.4 * MINUTE), "59 minutes ago");
    assert.equal(after(-59.6 * MINUTE), "1 hour ago");
    assert.equal(after(23.6 * HOUR), "in 1 day");
    assert.equal(after(-DAY), "1 day ago");
    assert.equal(after(-30.4 * DAY), "30 days ago");
    assert.equal(after(-30.6 * DAY), "1 month ago");
    assert.equal(after(360 * DAY), "in 1 year");
    assert.equal(after(-3_650 * DAY), "10 years ago");
});

test("the unit of a size fits the number that is shown", () => {
    assert.equal(bytes(0), "0 bytes");
    assert.equal(bytes(999), "999 bytes");
    assert.equal(bytes(1_000), "1 kB");
    assert.equal(bytes(1_250), "1.3 kB");
    assert.equal(bytes(999_949), "999.9 kB");
    assert.equal(bytes(999_950), "1 MB");
    assert.equal(bytes(5e15), "5,000 TB");
});

test("a share is 100% only when all is used", () => {
    assert.equal(percent(0.899), "89%");
    assert.equal(percent(0.9999), "99%");
    assert.equal(percent(1), "100%");
});
