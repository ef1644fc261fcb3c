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

// Most people open the console to sign in, and a page is a request after the scripts that name it. So the browser loads that one with them.
const SIGN_IN = "pages/sign-in/sign-in.tsx";

const preloadSignIn = (): Plugin => ({
    name: "preload-sign-in",
    transformIndexHtml: {
        order: "post",
        handler: (_, { bundle = {} }) => {
            const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
            const withImports = (name: string, found = new Set<string>()): Set<string> => {
                if (found.has(name)) return found;
                found.add(name);
                for (const one of chunks.find(({ fileName }) => fileName === name)?.imports ?? [])
                    withImports(one, found);
                return found;
            };
            const page = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(SIGN_IN));
            const entry = chunks.find(({ isEntry }) => isEntry);
            if (!page || !entry) return [];
            const known = withImports(entry.fileName);
            const scripts = [...withImports(page.fileName)].filter((name) => !known.has(name));
            return scripts.map((file) => ({
                tag: "link",
                attrs: { rel: "modulepreload", crossorigin: true, fetchpriority: "low", href: `/${file}` },
                injectTo: "head" as const,
            }));
        },
    },
});

export default defineConfig({
    plugins: [localConfig(), preloadSignIn()],
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
