import { useSignal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { useResource } from "../../api/pages";
import { Problem } from "../../api/problem";
import { sameUser } from "../../api/session";
import { Notice } from "../../components/badge";
import { LinkButton } from "../../components/button";
import { Failure } from "../../components/failure";
import { usePageTitle } from "../../components/page-header";
import { navigate } from "../../navigation";
import { chat as texts } from "../../texts";
import "./chat.css";
import { Composer } from "./composer";
import { Conversations } from "./conversations";
import { liveConversation } from "./live";
import type { Mode } from "./messages";
import { showInList } from "./store";

const MAX_TITLE = 80;

/** Returns the beginning of a question. */
const titleFor = (question: string): string => {
    const line = question.trim().split(/\s+/).join(" ");
    return [...line].length <= MAX_TITLE ? line : `${[...line].slice(0, MAX_TITLE - 1).join("")}…`;
};

const Page = ({ organizationId }: { organizationId: string }) => (
    <Start key={organizationId} organizationId={organizationId} />
);

export default Page;

const Start = ({ organizationId }: { organizationId: string }) => {
    const heading = usePageTitle(texts.title);
    const draft = useSignal("");
    const mode = useSignal<Mode>("auto");
    const request = useRef({ title: "", key: "" });
    const [isCreating, setCreating] = useState(false);
    const [problem, setProblem] = useState<Problem | null>(null);
    const isOpen = useRef(true);
    useEffect(
        () => () => {
            isOpen.current = false;
        },
        [],
    );
    const home = `/organizations/${organizationId}/conversations`;

    const ask = async (question: string) => {
        const title = titleFor(question);
        if (title !== request.current.title) request.current = { title, key: crypto.randomUUID() };
        setCreating(true);
        setProblem(null);
        const isSame = sameUser();
        try {
            const { body } = await call(
                api.POST("/v1/organizations/{organizationId}/conversations", {
                    params: { path: { organizationId }, header: { "Idempotency-Key": request.current.key } },
                    body: { title },
                }),
            );
            if (!isSame()) return;
            showInList(organizationId, body.data);
            const live = liveConversation({ organizationId, conversationId: body.data.id });
            live.mode.value = mode.value;
            void live.ask(question);
            // The person may look at another page by now, or wait for its script.
            if (isOpen.current && location.pathname.replace(/\/$/, "") === home) navigate(`${home}/${body.data.id}`);
        } catch (error) {
            setProblem(Problem.from(error));
            setCreating(false);
        }
    };
    return (
        <div class="chat">
            <section class="chat-start">
                <h1 id="chat-start" ref={heading} tabIndex={-1}>
                    {texts.startTitle}
                </h1>
                <p class="soft">{texts.startText}</p>
                <NoArtifacts organizationId={organizationId} />
                {problem && <Failure problem={problem} />}
                <Composer
                    draft={draft}
                    mode={mode}
                    ask={(question) => void ask(question)}
                    busy={isCreating}
                    labelledBy="chat-start"
                    autoFocus
                />
            </section>
            <Conversations organizationId={organizationId} />
        </div>
    );
};

/** Leads to the artifacts, if there are none. */
const NoArtifacts = ({ organizationId }: { organizationId: string }) => {
    const artifacts = useResource(
        (signal) =>
            call(
                api.GET("/v1/organizations/{organizationId}/artifacts", {
                    params: { path: { organizationId }, query: { limit: 1 } },
                    signal,
                }),
            ),
        [organizationId],
    );
    // A failure here changes nothing for the person.
    if (artifacts.value.value?.length !== 0) return null;
    return (
        <Notice>
            <p>{texts.noArtifacts}</p>
            <p>
                <LinkButton href={`/organizations/${organizationId}/artifacts`} size="small" icon="upload">
                    {texts.addArtifacts}
                </LinkButton>
            </p>
        </Notice>
    );
};
