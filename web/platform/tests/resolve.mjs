// Node finds the compiled modules of the console as Vite finds their sources: without the ends of their names, and without styles.
import { register } from "node:module";
import { isMainThread } from "node:worker_threads";

if (isMainThread) register(import.meta.url);

const NOTHING = { url: "data:text/javascript,", shortCircuit: true };

export const resolve = async (specifier, context, next) => {
    if (specifier.endsWith(".css")) return NOTHING;
    if (!specifier.startsWith(".") || /\.m?js$/.test(specifier)) return next(specifier, context);
    return next(`${specifier}.js`, context).catch(() => next(`${specifier}/index.js`, context));
};
