import { useCallback, useMemo } from "preact/hooks";
import { Button } from "../../components/button";
import { Failure } from "../../components/failure";
import { Icon } from "../../components/icon";
import { number } from "../../components/numbers";
import { Time } from "../../components/time";
import { chat as texts } from "../../texts";
import { CopyButton } from "./copy-button";
import type { LiveConversation } from "./live";
import { Markdown } from "./markdown";
import { citable, type Message, type Source } from "./messages";
import { CitationButton, Sources } from "./sources";

type AnswerProps = {
    message: Message;
    live: LiveConversation;
    open: (source: Source) => void;
    /** Asks the same question again. Only the last answer has it. */
    askAgain: (() => void) | undefined;
};

export const Answer = ({ message, live, open, askAgain }: AnswerProps) => {
    const isWriting = message.status === "streaming";
    const numbers = citable(message);
    const fingerprint = [...numbers].join();
    const cite = useCallback(
        (n: number) => {
            const source = message.sources.find((one) => one.n === n);
            return source && numbers.has(n) ? <CitationButton source={source} open={open} /> : null;
        },
        [fingerprint, message.sources, open],
    );
    // While more is written, the rest of the page is not drawn again.
    const text = useMemo(() => <Markdown text={message.content} cite={cite} />, [message.content, cite]);
    return (
        <article class="chat-answer" aria-busy={isWriting ? "true" : undefined}>
            <h2 class="hidden">{texts.answer}</h2>
            {message.content === "" ? isWriting && <Progress message={message} live={live} /> : text}
            {!isWriting && <Ending message={message} live={live} askAgain={askAgain} />}
            {!isWriting && <Sources message={message} open={open} />}
            {!isWriting && <Footer message={message} />}
        </article>
    );
};

/** What happens before the first word. */
const Progress = ({ message, live }: { message: Message; live: LiveConversation }) => {
    const before = live.mode.value === "auto" ? texts.searching : texts.thinking;
    const text = message.sources.length > 0 ? texts.reading(message.sources.length) : before;
    return (
        <p class="chat-answer-progress">
            <span class="chat-answer-dots" aria-hidden="true">
                <span />
                <span />
                <span />
            </span>
            {text}
        </p>
    );
};

type EndingProps = { message: Message; live: LiveConversation; askAgain: (() => void) | undefined };

/** Says why an answer is not complete. */
const Ending = ({ message, live, askAgain }: EndingProps) => {
    const { status, failure, id } = message;
    if (status === "complete") return null;
    const again = askAgain && status !== "length" && (
        <Button size="small" icon="retry" onClick={askAgain}>
            {texts.askAgain}
        </Button>
    );
    const failed = live.failure.value;
    if (failed?.answerId === id) {
        return (
            <div class="chat-answer-ending">
                <Failure problem={failed.problem} />
                {again}
            </div>
        );
    }
    const words = {
        streaming: "",
        cancelled: texts.cancelled,
        interrupted: texts.interrupted,
        length: texts.length,
        failed: failure ? texts.failures[failure] : texts.interrupted,
    };
    return (
        <div class="chat-answer-ending">
            <p class="chat-answer-note">
                <Icon name={status === "cancelled" ? "stop" : "warning"} />
                {words[status]}
            </p>
            {again}
        </div>
    );
};

const Footer = ({ message }: { message: Message }) => {
    const { content, model, usage, finishedAt, createdAt } = message;
    return (
        <footer class="chat-answer-footer">
            {content !== "" && <CopyButton text={content} label={texts.copyAnswer} what={texts.answer} />}
            <span>{model}</span>
            {usage && (
                <span class="number" title={usage.estimated ? texts.estimated : undefined}>
                    {texts.tokens(
                        `${usage.estimated ? "≈ " : ""}${number(usage.promptTokens + usage.completionTokens)}`,
                    )}
                </span>
            )}
            <Time value={finishedAt ?? createdAt} />
        </footer>
    );
};
