import { Icon } from "../../components/icon";
import { chat as texts } from "../../texts";
import type { Message, Source } from "./messages";
import "./sources.css";

type Open = (source: Source) => void;

/** `[1]` in an answer: opens the passage. */
export const CitationButton = ({ source, open }: { source: Source; open: Open }) => (
    <button
        type="button"
        class="chat-citation"
        aria-label={texts.source(source.n, source.name)}
        onClick={() => open(source)}
    >
        {source.n}
    </button>
);

/** The passages that an answer is from. */
export const Sources = ({ message, open }: { message: Message; open: Open }) => {
    const { sources, citations, retrieval, status } = message;
    const cited = new Set(citations.map(({ n }) => n));
    const named = sources.filter(({ n }) => cited.has(n));
    const others = sources.filter(({ n }) => !cited.has(n));
    const isEmpty = sources.length === 0 && retrieval === "hybrid" && status === "complete";
    const note =
        retrieval === "unavailable"
            ? texts.notSearched
            : retrieval === "keyword-only"
              ? texts.keywordOnly
              : isEmpty && texts.noPassages;
    return (
        <>
            {note && (
                <p class="chat-answer-note">
                    <Icon name="information" />
                    {note}
                </p>
            )}
            {named.length > 0 && (
                <section class="chat-sources">
                    <h3 class="chat-sources-title">{texts.sources}</h3>
                    <Rows sources={named} open={open} />
                </section>
            )}
            {others.length > 0 && (
                <details class="chat-sources">
                    <summary class="chat-sources-title">{texts.otherPassages(others.length)}</summary>
                    <Rows sources={others} open={open} />
                </details>
            )}
        </>
    );
};

const Rows = ({ sources, open }: { sources: readonly Source[]; open: Open }) => (
    <ul class="chat-sources-rows">
        {sources.map((source) => (
            <li key={source.n}>
                <button type="button" class="chat-source" onClick={() => open(source)}>
                    <span class="chat-source-number">{source.n}</span>
                    <span class="cut">{source.name}</span>
                    {source.page && <span class="soft">{texts.page(source.page)}</span>}
                </button>
            </li>
        ))}
    </ul>
);
