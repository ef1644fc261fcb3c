import { api, call } from "./client";
import type { components } from "./schema";

type PublicConfig = components["schemas"]["PublicConfig"];

let loading: Promise<PublicConfig> | undefined;

/** Returns the public settings of the API. They are loaded once. */
export const publicConfig = (): Promise<PublicConfig> => {
    loading ??= call(api.GET("/v1/config"))
        .then(({ body }) => body.data)
        .catch((error: unknown) => {
            loading = undefined;
            throw error;
        });
    return loading;
};
