import { own } from "../api/own";
import type { Problem } from "../api/problem";
import { sentence } from "../api/sentence";
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
export const words = (problem: Problem): string =>
    problem.explanation ??
    own(texts.problems, problem.code)?.(problem.retryAfter) ??
    sentence(problem.message || texts.unexpected);
