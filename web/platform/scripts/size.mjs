// Tests the budgets over dist/: what a browser loads, after gzip.

import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const KB = 1000;
const BUDGETS = { firstScript: 45 * KB, firstStyle: 10 * KB, page: 20 * KB, all: 170 * KB };

const folder = new URL("../dist/", import.meta.url);
const read = (path) => readFileSync(new URL(path, folder));
const size = (path) => gzipSync(read(path), { level: 9 }).length;
const total = (paths) => [...paths].reduce((sum, path) => sum + size(path), 0);

const all = readdirSync(new URL("static/", folder)).map((name) => `static/${name}`);
const scripts = all.filter((path) => path.endsWith(".js"));
const index = read("index.html").toString();
const first = all.filter((path) => index.includes(path));

// What a script needs at once: its static imports, and theirs.
const withImports = (path, found = new Set()) => {
    if (found.has(path)) return found;
    found.add(path);
    const text = read(path).toString();
    for (const [, name] of text.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g))
        withImports(`static/${name}`, found);
    return found;
};

const isStyle = (path) => path.endsWith(".css");
const shown = new Set(first.filter((path) => !isStyle(path)).flatMap((path) => [...withImports(path)]));
// The first page is what every page needs, and the largest of those that a person opens first.
const further = scripts.filter((path) => !shown.has(path));
const added = new Map(further.map((path) => [path, total([...withImports(path)].filter((one) => !shown.has(one)))]));
const opened = /\/(sign-in|register|home)-[\w-]{8}\.(js|css)$/;
const firstPage = Math.max(...[...added].filter(([path]) => opened.test(path)).map(([, bytes]) => bytes));
const firstStyles = all.filter((path) => isStyle(path) && (first.includes(path) || opened.test(path)));

const results = [
    ["first page, script", total(shown) + firstPage, BUDGETS.firstScript],
    ["first page, style", total(firstStyles), BUDGETS.firstStyle],
    ...[...added].map(([path, bytes]) => [path, bytes, BUDGETS.page]),
    ["all scripts and styles", total(all), BUDGETS.all],
];

let isTooBig = false;
for (const [name, bytes, budget] of results) {
    const mark = bytes > budget ? "TOO BIG" : "";
    console.log(`${name.padEnd(48)} ${(bytes / KB).toFixed(1).padStart(6)} of ${budget / KB} kB ${mark}`.trimEnd());
    isTooBig ||= bytes > budget;
}
if (isTooBig) process.exitCode = 1;
