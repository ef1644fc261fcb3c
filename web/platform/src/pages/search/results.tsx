import type { Problem } from "../../api/problem";
import { Notice } from "../../components/badge";
import { Button, LinkButton } from "../../components/button";
import { Empty } from "../../components/empty";
import { Failure } from "../../components/failure";
import { Marked } from "../../components/marked";
import { excerpt } from "../../components/matches";
import { SkeletonText } from "../../components/skeleton";
import { search as texts } from "../../texts";
import { type Answer, type Match, mayHaveMore, type Query, type useSearch } from "./query";

/** Characters of a passage on this page. */
const EXCERPT = 360;

type ResultsProps = {
    organizationId: string;
    search: ReturnType<typeof useSearch>;
    query: Query;
    change: (changed: Partial<Query>, isReplaced?: boolean) => void;
};

export const Results = ({ organizationId, search, query, change }: ResultsProps) => {
    const answer = search.answer.value;
    const problem = search.problem.value;
    const isSearching = search.isSearching.value;
    if (problem) {
        return (
            <div class="stack">
                <Failure problem={explained(problem, query)} retry={() => search.run(query)} />
                {query.mode === "semantic" && (
                    <div class="row">
                        <Button onClick={() => change({ mode: "keyword" })}>{texts.byWordsInstead}</Button>
                    </div>
                )}
            </div>
        );
    }
    if (answer === null) return <SkeletonText lines={6} />;
    const { data, meta } = answer.found;
    const base = `/organizations/${organizationId}/artifacts`;
    return (
        <section class={isSearching ? "stack search-busy" : "stack"} aria-busy={isSearching} aria-labelledby="results">
            <h2 class="hidden" id="results">
                {texts.results}
            </h2>
            {meta.degraded && (
                <Notice tone="warning">
                    <p class="strong">{texts.degraded}</p>
                    <p>{texts.degradedText}</p>
                </Notice>
            )}
            <p class="small soft" role="status">
                {data.length > 0 && texts.found(data.length, new Set(data.map(({ artifact }) => artifact.id)).size)}
                {data.length === 0 && <span class="hidden">{texts.nothing(answer.query.text)}</span>}
            </p>
            {data.length === 0 ? (
                <Nothing answer={answer} base={base} change={change} />
            ) : (
                <ol class="results">
                    {data.map((match) => (
                        <Result key={match.chunk.id} match={match} query={answer.query} base={base} />
                    ))}
                </ol>
            )}
            {mayHaveMore(answer) && (
                <div class="row">
                    <Button busy={isSearching} onClick={() => change({ isLong: true }, true)}>
                        {texts.more}
                    </Button>
                </div>
            )}
        </section>
    );
};

/** Says a refusal in the words of this page. */
const explained = (problem: Problem, query: Query): Problem => {
    if (problem.code === "budget-used-up") problem.explanation = texts.budgetUsedUp;
    if (problem.code === "too-many-attempts") problem.explanation = texts.tooMany(problem.retryAfter);
    if (problem.status === 503 && query.mode === "semantic") problem.explanation = texts.notAvailable;
    return problem;
};

type ResultProps = { match: Match; query: Query; base: string };

const Result = ({ match, query, base }: ResultProps) => {
    const { artifact, chunk } = match;
    const place = new URLSearchParams({ chunk: chunk.id, q: query.text });
    const where = [chunk.page && texts.page(chunk.page), chunk.heading, howFound(match, query)].filter(Boolean);
    return (
        <li class="card result">
            <h3>
                <a href={`${base}/${artifact.id}?${place}`}>{artifact.name}</a>
            </h3>
            {where.length > 0 && <p class="small soft">{where.join(" · ")}</p>}
            <p class="result-text">
                <Marked text={excerpt(chunk.text, query.text, EXCERPT)} query={query.text} />
            </p>
        </li>
    );
};

/** A score says something only if one sees what it measures. */
const howFound = ({ ranks, score }: Match, { mode }: Query): string | null => {
    if (mode === "semantic") return texts.similarity(score);
    if (mode === "keyword") return null;
    if (ranks.keyword && ranks.semantic) return texts.byBoth;
    return ranks.keyword ? texts.byWords : texts.byMeaning;
};

type NothingProps = { answer: Answer; base: string; change: ResultsProps["change"] };

const Nothing = ({ answer: { query, found }, base, change }: NothingProps) => {
    const isByWords = query.mode === "keyword" || Boolean(found.meta.degraded);
    return (
        <Empty
            icon="search"
            title={texts.nothing(query.text)}
            text={isByWords ? texts.nothingByWords : texts.nothingByMeaning}
        >
            {query.mode === "keyword" && (
                <Button look="primary" onClick={() => change({ text: query.text, mode: "hybrid" })}>
                    {texts.byMeaningToo}
                </Button>
            )}
            {query.label !== undefined && (
                <Button onClick={() => change({ label: undefined })}>{texts.allLabels}</Button>
            )}
            <LinkButton href={base}>{texts.showArtifacts}</LinkButton>
        </Empty>
    );
};
