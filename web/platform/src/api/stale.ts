import { forms as texts } from "../texts";
import type { Resource } from "./pages";
import { Problem } from "./problem";

/** Waits for a change of a resource. If somebody else has changed it, loads it again, so that another attempt is about the new version. */
export const orReload = async <T, R>(resource: Resource<T>, change: Promise<R>): Promise<R> => {
    try {
        return await change;
    } catch (error) {
        const failed = Problem.from(error);
        if (failed.code !== "stale") throw failed;
        await resource.reload();
        if (resource.problem.value === null) failed.explanation = texts.changedBefore;
        throw failed;
    }
};
