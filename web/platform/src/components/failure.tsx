import type { Problem } from "../api/problem";
import { general as texts } from "../texts";
import { Button } from "./button";
import "./failure.css";
import { Icon } from "./icon";

type FailureProps = {
    problem: Problem;
    /** Does it again. */
    retry?: () => void;
};

/** Says in words what failed, with the id of the request. */
export const Failure = ({ problem, retry }: FailureProps) => (
    <div class="failure" role="alert">
        <Icon name="warning" />
        <p>{words(problem)}</p>
        {problem.requestId && (
            <p class="failure-id">
                {texts.requestId} <code>{problem.requestId}</code>
            </p>
        )}
        {retry && (
            <Button size="small" icon="retry" onClick={retry}>
                {texts.tryAgain}
            </Button>
        )}
    </div>
);

/** Returns a problem in words for people. */
export const words = (problem: Problem): string => {
    if (problem.message !== "" && problem.body === null) return problem.message;
    const known = texts.problems[problem.code];
    if (known !== undefined && problem.message === (problem.body?.detail ?? "")) return known(problem.retryAfter);
    const detail = problem.message || texts.unexpected;
    return detail.charAt(0).toUpperCase() + detail.slice(1) + (/[.!?]$/.test(detail) ? "" : ".");
};
