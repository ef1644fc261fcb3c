// `/config.json` names the API, so that one build serves every environment.

const DEADLINE = 15_000;

const isConfig = (value: unknown): value is { apiUrl: string } =>
    typeof value === "object" &&
    value !== null &&
    "apiUrl" in value &&
    typeof value.apiUrl === "string" &&
    /^https?:\/\//.test(value.apiUrl);

const load = async (): Promise<string> => {
    const response = await fetch("/config.json", { signal: AbortSignal.timeout(DEADLINE) });
    const config: unknown = response.ok ? await response.json() : null;
    if (!isConfig(config)) throw new Error("config.json names no API");
    return config.apiUrl.replace(/\/+$/, "");
};

let loading: Promise<string> | undefined;

/** Returns the URL of the API, without a slash at its end. */
export const apiUrl = (): Promise<string> => {
    loading ??= load().catch((error: unknown) => {
        loading = undefined;
        throw error;
    });
    return loading;
};

const lastLabels = (host: string): string => host.split(".").slice(-2).join(".");

/** Tells whether the browser keeps the API's cookie for this site. It does so only if both are below one domain. */
export const keepsSession = (api: string, site: string): boolean =>
    lastLabels(new URL(api).hostname) === lastLabels(new URL(site).hostname);
