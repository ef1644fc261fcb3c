// The panel that shows the passage of a citation.

import type { RefObject } from "preact";
import { useRef } from "preact/hooks";
import { api, call } from "../../api/client";
import { useResource } from "../../api/pages";
import { Button, LinkButton } from "../../components/button";
import { Loaded } from "../../components/loaded";
import { general, chat as texts } from "../../texts";
import type { Source } from "./messages";
import "./passage.css";

type PassageProps = {
    panel: RefObject<HTMLDivElement | null>;
    organizationId: string;
    source: Source | null;
};

/** Stands once on the page. `panel.current.showPopover()` opens it. */
export const Passage = ({ panel, organizationId, source }: PassageProps) => {
    const heading = useRef<HTMLHeadingElement>(null);
    return (
        <div
            ref={panel}
            popover="auto"
            class="chat-passage"
            role="dialog"
            aria-labelledby="passage-name"
            onToggle={({ newState }) => newState === "open" && heading.current?.focus()}
        >
            <header class="chat-passage-head">
                <div class="grow">
                    <p class="chat-passage-kind">
                        {texts.passage} {source?.n}
                        {source?.page && `, ${texts.page(source.page)}`}
                    </p>
                    <h2 id="passage-name" ref={heading} tabIndex={-1}>
                        {source?.name}
                    </h2>
                </div>
                <Button
                    look="quiet"
                    size="small"
                    icon="close"
                    label={general.close}
                    onClick={() => panel.current?.hidePopover()}
                />
            </header>
            {source && <Content key={source.chunkId} organizationId={organizationId} source={source} />}
        </div>
    );
};

const Content = ({ organizationId, source }: { organizationId: string; source: Source }) => {
    const { artifactId, chunkId, quote } = source;
    if (!artifactId) return <p class="soft">{texts.artifactRemoved}</p>;
    return (
        <>
            {quote ? (
                <blockquote class="chat-passage-text">{quote}</blockquote>
            ) : (
                <Chunk organizationId={organizationId} artifactId={artifactId} chunkId={chunkId} />
            )}
            <p>
                <LinkButton
                    href={`/organizations/${organizationId}/artifacts/${artifactId}?chunk=${chunkId}`}
                    size="small"
                    icon="artifacts"
                >
                    {texts.openArtifact}
                </LinkButton>
            </p>
        </>
    );
};

type ChunkProps = { organizationId: string; artifactId: string; chunkId: string };

/** The passage of an answer that is being written: its stream does not have the text. */
const Chunk = ({ organizationId, artifactId, chunkId }: ChunkProps) => {
    const resource = useResource(
        (signal) =>
            call(
                api.GET("/v1/organizations/{organizationId}/artifacts/{artifactId}/chunks", {
                    params: { path: { organizationId, artifactId }, query: { around: chunkId } },
                    signal,
                }),
            ),
        [artifactId, chunkId],
    );
    return (
        <Loaded resource={resource}>
            {({ chunks }) => (
                <blockquote class="chat-passage-text">{chunks.find(({ id }) => id === chunkId)?.text}</blockquote>
            )}
        </Loaded>
    );
};
