import { forms as texts } from "../texts";
import type { Resource } from "./pages";
import { Problem } from "./problem";

/** Returns what changes the version of a resource that is shown now. If somebody else has changed it, that is loaded, so that another attempt is about it. */
export const ofShown = <T, R>(
    resource: Resource<T>,
    change: (etag: string | undefined) => Promise<R>,
): (() => Promise<R>) => {
    const now = () => resource.etag.peek() ?? undefined;
    let etag = now();
    return async () => {
        try {
            return await change(etag);
        } catch (error) {
            const failed = Problem.from(error);
            if (failed.code !== "stale") throw failed;
            await resource.reload();
            if (resource.problem.value === null) {
                etag = now();
                failed.explanation = texts.changedBefore;
            }
            throw failed;
        }
    };
};
