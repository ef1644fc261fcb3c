import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Badge, Notice } from "../../components/badge";
import { Button } from "../../components/button";
import { Empty } from "../../components/empty";
import { Failure } from "../../components/failure";
import { Marked } from "../../components/marked";
import { SkeletonText } from "../../components/skeleton";
import { artifacts as texts } from "../../texts";
import "./text.css";
import { type Passages, usePassages } from "./passages";
import { type Chunk, type Piece, piecesOf } from "./pieces";

type TextProps = {
    organizationId: string;
    artifactId: string;
    base: string;
    /** The id of the passage that a link is about. */
    chunkId: string | undefined;
    /** What was searched for. */
    query: string;
};

/** The extracted text: around the passage that was found, or from the beginning. */
export const Text = ({ organizationId, artifactId, base, chunkId, query }: TextProps) => {
    const passages = usePassages(organizationId, artifactId, chunkId);
    const { chunks, total, problem, isLoading, isGone, hasBefore, hasAfter } = passages;
    const all = chunks.value;
    const { frame, loadBefore } = useLoadBefore(passages);
    if (all === undefined) {
        return problem.value ? (
            <Failure problem={problem.value} retry={() => void passages.load()} />
        ) : (
            <SkeletonText lines={8} />
        );
    }
    if (all.length === 0) return <Empty icon="artifacts" title={texts.noTextYet} text={texts.noTextYetText} />;
    const marked = isGone.value ? undefined : chunkId;
    return (
        <div class="stack">
            {chunkId !== undefined && (
                <Notice tone={isGone.value ? "warning" : undefined}>
                    <p>{isGone.value ? texts.passageGone : texts.found}</p>
                    {hasBefore.value && (
                        <p>
                            <a href={`${base}/${artifactId}`}>{texts.fromBeginning}</a>
                        </p>
                    )}
                </Notice>
            )}
            {problem.value && <Failure problem={problem.value} />}
            <div class="card text" ref={frame}>
                {hasBefore.value && (
                    <Button size="small" wide busy={isLoading.value} onClick={loadBefore}>
                        {texts.loadBefore}
                    </Button>
                )}
                <div class="text-flow">
                    {piecesOf(all, marked).map((piece) => (
                        <Passage
                            key={piece.chunk.id}
                            piece={piece}
                            isMarked={piece.chunk.id === marked}
                            query={query}
                        />
                    ))}
                </div>
                {hasAfter.value ? (
                    <Button size="small" wide busy={isLoading.value} onClick={() => void passages.loadAfter()}>
                        {texts.loadAfter}
                    </Button>
                ) : (
                    <p class="small soft text-end">{texts.textEnds}</p>
                )}
            </div>
            <p class="small soft number" role="status">
                {texts.shown((all[0]?.ordinal ?? 0) + 1, (all.at(-1)?.ordinal ?? 0) + 1, total.value)}
            </p>
        </div>
    );
};

/** Loads earlier text, and keeps what is read at its place in the window. */
const useLoadBefore = (passages: Passages) => {
    const frame = useRef<HTMLDivElement>(null);
    const place = useRef<{ element: Element; top: number } | null>(null);
    useLayoutEffect(() => {
        if (place.current === null) return;
        const { element, top } = place.current;
        place.current = null;
        scrollBy({ top: element.getBoundingClientRect().top - top, behavior: "instant" });
    }, [passages.chunks.value]);
    const loadBefore = async () => {
        const element = frame.current?.querySelector("[data-chunk]") ?? null;
        const before = passages.chunks.value;
        // Measured at the last moment before the text is there, because the person can scroll until then.
        const stop = passages.chunks.subscribe((now) => {
            if (now !== before && element) place.current = { element, top: element.getBoundingClientRect().top };
        });
        await passages.loadBefore();
        stop();
    };
    return { frame, loadBefore: () => void loadBefore() };
};

type PassageProps = { piece: Piece; isMarked: boolean; query: string };

const Passage = ({ piece, isMarked, query }: PassageProps) => (
    <>
        {piece.page !== null && (
            <p class="text-page">
                <Badge>{texts.page(piece.page)}</Badge>
            </p>
        )}
        {piece.heading !== null && <h3>{piece.heading}</h3>}
        {isMarked ? <Found piece={piece} query={query} /> : <span data-chunk={piece.chunk.ordinal}>{piece.text}</span>}
    </>
);

/** The passage that a link is about. It is scrolled to and gets the focus, so that a screen reader reads on from it. */
const Found = ({ piece: { chunk, text }, query }: { piece: Piece; query: string }) => {
    const ref = useRef<HTMLDivElement>(null);
    useEffect(() => {
        const place = ref.current;
        place?.scrollIntoView({ block: place.offsetHeight < innerHeight / 2 ? "center" : "start" });
        place?.focus({ preventScroll: true });
    }, [chunk.id]);
    return (
        <div class="text-found" ref={ref} tabIndex={-1} data-chunk={chunk.ordinal} {...named(chunk)}>
            {query === "" ? text.trim() : <Marked text={text.trim()} query={query} />}
        </div>
    );
};

const named = ({ ordinal }: Chunk) => ({ role: "group", "aria-label": texts.foundPassage(ordinal + 1) }) as const;
