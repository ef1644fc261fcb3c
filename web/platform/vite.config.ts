import { defineConfig, type Plugin } from "vite";

// The answer to `/config.json` in development. A deployment writes its own file beside `index.html`.
const localConfig = (): Plugin => ({
    name: "local-config",
    configureServer: (server) => {
        server.middlewares.use("/config.json", (_, response) => {
            response.setHeader("content-type", "application/json");
            response.end(JSON.stringify({ apiUrl: process.env.API_URL ?? "http://localhost:9000" }));
        });
    },
});

export default defineConfig({
    plugins: [localConfig()],
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    server: { port: 9005, strictPort: true },
    build: {
        // Files below `static/` have the hash of their content in their name: infra/edge uploads them as immutable.
        assetsDir: "static",
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        target: ["chrome125", "edge125", "firefox128", "safari18"],
        reportCompressedSize: false,
        rolldownOptions: {
            output: {
                // What most pages use is one file. Otherwise each small component would be a request of its own.
                codeSplitting: {
                    groups: [{ name: "shared", test: /node_modules|src\/(api|components)\//, minShareCount: 6 }],
                },
            },
        },
    },
});
