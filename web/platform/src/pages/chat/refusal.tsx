import { manages, useRole } from "../../api/organizations";
import { own } from "../../api/own";
import type { Problem } from "../../api/problem";
import { LinkButton } from "../../components/button";
import { Failure } from "../../components/failure";
import { ago } from "../../components/time";
import { chat as texts } from "../../texts";

type RefusalProps = { problem: Problem; organizationId: string; retry: (() => void) | undefined };

/** Says why a question was not taken, and what to do next. */
export const Refusal = ({ problem, organizationId, retry }: RefusalProps) => {
    problem.explanation = own(WORDS, problem.code)?.(when(problem.retryAfter)) ?? null;
    const isFinal = problem.code === "conversation-too-long" || problem.code === "no-such-model";
    return (
        <div class="chat-refusal">
            <Failure problem={problem} retry={isFinal ? undefined : retry} />
            {problem.code === "budget-used-up" && <UsageLink organizationId={organizationId} />}
            {isFinal && (
                <LinkButton href={`/organizations/${organizationId}/conversations`} size="small" icon="add">
                    {texts.newConversation}
                </LinkButton>
            )}
        </div>
    );
};

/** Leads to the usage those who may see it. */
export const UsageLink = ({ organizationId }: { organizationId: string }) => {
    const role = useRole(organizationId);
    if (role === undefined) return null;
    if (!manages(role)) return <p class="soft small">{texts.askForTokens}</p>;
    return (
        <LinkButton href={`/organizations/${organizationId}/usage`} size="small" icon="chart">
            {texts.seeUsage}
        </LinkButton>
    );
};

const WORDS: Record<string, ((when: string) => string) | undefined> = {
    "budget-used-up": texts.budgetUsedUp,
    "too-many-answers": texts.tooManyAnswers,
    "answer-in-progress": () => texts.answerInProgress,
    "conversation-too-long": () => texts.conversationTooLong,
    "no-such-model": () => texts.modelGone,
    "model-unavailable": () => texts.modelUnavailable,
};

const when = (seconds: number | null): string => {
    if (seconds === null) return texts.later;
    return seconds < 60 ? texts.inSeconds(seconds) : ago(new Date(Date.now() + seconds * 1_000));
};
