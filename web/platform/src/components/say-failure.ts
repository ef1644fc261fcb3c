import { Problem } from "../api/problem";
import { general as texts } from "../texts";
import { words } from "./failure";
import { say } from "./toast";

/** Says at the bottom of the window what failed, with the id of the request. */
export const sayFailure = (error: unknown): void => {
    const problem = Problem.from(error);
    say(problem.requestId === null ? words(problem) : texts.failed(words(problem), problem.requestId));
};
