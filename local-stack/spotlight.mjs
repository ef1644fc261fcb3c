// Serves Sentry's viewer at the port that is the only argument.
//
// Not by the program of the package, which reports its own use to Sentry.
import { readFileSync } from "node:fs";
import { setupSpotlight } from "@spotlightjs/spotlight";

const folder = new URL("../ui/", import.meta.resolve("@spotlightjs/spotlight"));
const read = (name) => readFileSync(new URL(name, folder));
const entries = Object.values(JSON.parse(read("manifest.json"))).filter((entry) => entry?.file);
const files = Object.fromEntries(entries.map(({ file }) => [file, read(file)]));
await setupSpotlight({
    port: Number(process.argv[2]),
    filesToServe: { "index.html": read("index.html"), ...files },
    isStandalone: true,
});
