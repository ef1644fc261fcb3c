import { useEffect, useRef, useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { useList, useResource } from "../../api/pages";
import { Button } from "../../components/button";
import { Empty } from "../../components/empty";
import { Failure } from "../../components/failure";
import { Icon } from "../../components/icon";
import { percent } from "../../components/numbers";
import { usePageTitle } from "../../components/page-header";
import { SkeletonText } from "../../components/skeleton";
import { chat as texts } from "../../texts";
import { Announcer } from "./announcer";
import { Answer } from "./answer";
import "./chat.css";
import { Composer } from "./composer";
import { ConversationMenu, Conversations } from "./conversations";
import { loadConversation } from "./edit";
import { goToEnd, useFollow } from "./follow";
import { type LiveConversation, liveConversation } from "./live";
import { type Message, merge, type Source } from "./messages";
import { Passage } from "./passage";
import { Refusal, UsageLink } from "./refusal";
import { listed, titleOf } from "./store";

type PageProps = { organizationId: string; conversationId: string };

const Page = ({ organizationId, conversationId }: PageProps) => (
    <div class="chat chat-open">
        <Conversations organizationId={organizationId} current={conversationId} />
        <OpenConversation key={conversationId} organizationId={organizationId} conversationId={conversationId} />
    </div>
);

export default Page;

const OpenConversation = ({ organizationId, conversationId }: PageProps) => {
    const resource = useResource(
        (signal) => loadConversation({ organizationId, conversationId }, signal),
        [conversationId],
    );
    // The list has the changes of the dialogs.
    const conversation = listed(conversationId) ?? resource.value.value;
    const title = conversation ? titleOf(conversation) : texts.conversation;
    const heading = usePageTitle(title);
    const problem = resource.problem.value;
    return (
        <section class="chat-main" aria-labelledby="conversation-title">
            <header class="chat-head">
                <a class="chat-back" href={`/organizations/${organizationId}/conversations`} aria-label={texts.back}>
                    <Icon name="back" />
                </a>
                <h1 id="conversation-title" class="cut" ref={heading} tabIndex={-1} title={title}>
                    {title}
                </h1>
                {conversation && <ConversationMenu organizationId={organizationId} conversation={conversation} />}
            </header>
            {problem ? (
                <div class="chat-content">
                    <Failure problem={problem} retry={problem.status === 404 ? undefined : resource.reload} />
                </div>
            ) : (
                <Talk organizationId={organizationId} conversationId={conversationId} />
            )}
        </section>
    );
};

const Talk = ({ organizationId, conversationId }: PageProps) => {
    const path = { organizationId, conversationId };
    const live = liveConversation(path);
    const list = useList(
        ({ cursor }, signal) =>
            call(
                api.GET("/v1/organizations/{organizationId}/conversations/{conversationId}/messages", {
                    params: { path, query: { cursor, limit: 50, sort: "-createdAt" } },
                    signal,
                }),
            ),
        [conversationId],
    );
    const isAtEnd = useFollow();
    const messages = merge(list.items.value, live.messages.value);
    const last = messages.at(-1);
    const isWriting = live.isWriting.value;
    const problem = live.problem.value;

    useEffect(() => {
        // It is written for another tab, or was when this page was loaded.
        if (last?.status === "streaming" && !isWriting) void live.follow(last.id);
    }, [last?.id]);
    useEffect(() => {
        if (problem?.code === "answer-in-progress") void list.reload();
    }, [problem]);

    const ask = (question: string) => {
        void live.ask(question);
        isAtEnd.value = true;
    };
    const state = list.state.value;
    const failed = list.problem.value;
    return (
        <>
            <div class="chat-content">
                {failed && <Failure problem={failed} retry={list.retry} />}
                {messages.length === 0 && state === "loading" && <SkeletonText lines={5} />}
                {messages.length === 0 && state === "ready" && (
                    <Empty icon="chat" title={texts.emptyTitle} text={texts.emptyText} />
                )}
                {list.hasMore.value && (
                    <div class="chat-earlier">
                        <Button size="small" busy={list.isLoadingMore.value} onClick={() => void list.loadMore()}>
                            {texts.earlier}
                        </Button>
                    </div>
                )}
                <Messages messages={messages} live={live} organizationId={organizationId} ask={ask} />
            </div>
            <div class="chat-foot">
                {!isAtEnd.value && (
                    <div class="chat-to-end">
                        <Button
                            size="small"
                            icon="chevron"
                            label={texts.toEnd}
                            onClick={() => {
                                isAtEnd.value = true;
                                goToEnd();
                            }}
                        />
                    </div>
                )}
                {problem && (
                    <Refusal
                        problem={problem}
                        organizationId={organizationId}
                        retry={isWriting || live.draft.value.trim() === "" ? undefined : () => ask(live.draft.value)}
                    />
                )}
                <BudgetNote live={live} organizationId={organizationId} />
                <Composer
                    draft={live.draft}
                    mode={live.mode}
                    ask={ask}
                    stop={isWriting ? () => void live.stop() : undefined}
                    isStopping={live.isStopping.value}
                    autoFocus={isWriting}
                />
            </div>
            <Announcer answer={last?.role === "assistant" ? last : undefined} />
        </>
    );
};

type MessagesProps = {
    messages: readonly Message[];
    live: LiveConversation;
    organizationId: string;
    ask: (question: string) => void;
};

const Messages = ({ messages, live, organizationId, ask }: MessagesProps) => {
    const panel = useRef<HTMLDivElement>(null);
    const [source, setSource] = useState<Source | null>(null);
    const open = useRef((one: Source) => {
        setSource(one);
        panel.current?.showPopover();
    });
    const askAgain = () => {
        const question = messages.findLast(({ role }) => role === "user");
        if (question) ask(question.content);
    };
    return (
        <>
            {messages.map((message, at) =>
                message.role === "user" ? (
                    <Question key={message.id} text={message.content} />
                ) : (
                    <Answer
                        key={message.id}
                        message={message}
                        live={live}
                        open={open.current}
                        askAgain={at === messages.length - 1 && !live.isWriting.value ? askAgain : undefined}
                    />
                ),
            )}
            <Passage panel={panel} organizationId={organizationId} source={source} />
        </>
    );
};

const Question = ({ text }: { text: string }) => (
    <article class="chat-question">
        <h2 class="hidden">{texts.youAsked}</h2>
        <p>{text}</p>
    </article>
);

const LOW = 0.9;

/** Says that the tokens of the month come to their end. */
const BudgetNote = ({ live, organizationId }: { live: LiveConversation; organizationId: string }) => {
    const budget = live.budget.value;
    if (budget === null || budget.used < budget.limit * LOW) return null;
    return (
        <div class="row row-between small">
            <span class="soft">{texts.budgetLow(percent(Math.min(1, budget.used / budget.limit)))}</span>
            <UsageLink organizationId={organizationId} />
        </div>
    );
};
