import { useLocation } from "preact-iso";
import { api, call } from "../../api/client";
import { type Label, useLabels } from "../../api/labels";
import { type Resource, useResource } from "../../api/pages";
import { Button } from "../../components/button";
import { Choice } from "../../components/choice";
import { Empty } from "../../components/empty";
import { Icon } from "../../components/icon";
import { PageHeader } from "../../components/page-header";
import { useTyped } from "../../components/typed";
import { navigate } from "../../navigation";
import { search as texts } from "../../texts";
import { MAX_QUERY, MODES, type Query, queryOf, useSearch, withQuery } from "./query";
import { Results } from "./results";
import "./search.css";

/** A shorter text finds too much to be of use while it is typed. */
const SHORTEST = 2;

const Search = ({ organizationId }: { organizationId: string }) => {
    const { path, query: address } = useLocation();
    const query = queryOf(address);
    const labels = useLabels(organizationId);
    const search = useSearch(organizationId, query);
    const change = (changed: Partial<Query>, isReplaced = false) => {
        const next = { ...query, isLong: false, ...changed };
        const isSame = withQuery(path, next) === withQuery(path, query);
        // The same search again: it may have failed before.
        if (isSame) search.run(next);
        else navigate(withQuery(path, next), isReplaced);
    };
    return (
        <>
            <PageHeader title={texts.title} text={texts.text} />
            <SearchForm query={query} labels={labels} change={change} />
            {query.artifact !== undefined && (
                <OnlyIn
                    organizationId={organizationId}
                    artifactId={query.artifact}
                    end={() => change({ artifact: undefined })}
                />
            )}
            {query.text.trim() === "" ? (
                <Start />
            ) : (
                <Results organizationId={organizationId} search={search} query={query} change={change} />
            )}
        </>
    );
};

export default Search;

type FormProps = {
    query: Query;
    labels: Resource<Label[]>;
    change: (changed: Partial<Query>, isReplaced?: boolean) => void;
};

const SearchForm = ({ query, labels, change }: FormProps) => {
    const { field, onInput, take } = useTyped(query.text, (text) => {
        if (text === "" || text.length >= SHORTEST) change({ text, mode: "keyword" }, true);
    });
    const submit = (event: SubmitEvent) => {
        event.preventDefault();
        change({ text: take(), mode: query.mode === "keyword" ? "hybrid" : query.mode });
    };
    return (
        <search>
            <form class="search-form" onSubmit={submit} noValidate>
                <div class="search-line">
                    <Icon name="search" />
                    <input
                        ref={field}
                        class="input"
                        type="search"
                        name="q"
                        defaultValue={query.text}
                        aria-label={texts.query}
                        aria-describedby="search-hint"
                        placeholder={texts.placeholder}
                        maxLength={MAX_QUERY}
                        autoComplete="off"
                        enterkeyhint="search"
                        // biome-ignore lint/a11y/noAutofocus: People come to this page to type.
                        autoFocus
                        onInput={onInput}
                    />
                    <Button type="submit" look="primary">
                        {texts.submit}
                    </Button>
                </div>
                <div class="row row-between">
                    <fieldset class="segments">
                        <legend class="hidden">{texts.mode}</legend>
                        {MODES.map((mode) => (
                            <label key={mode}>
                                <input
                                    type="radio"
                                    name="mode"
                                    value={mode}
                                    checked={query.mode === mode}
                                    onChange={() => change({ text: take(), mode })}
                                />
                                <span>{texts.modes[mode]}</span>
                            </label>
                        ))}
                    </fieldset>
                    <div class="search-label">
                        <Choice
                            label={texts.label}
                            any={texts.anyLabel}
                            value={query.label}
                            options={(labels.value.value ?? []).map(({ id, name }) => ({ value: id, text: name }))}
                            set={(label) => change({ text: take(), label })}
                        />
                    </div>
                </div>
                <p class="small soft" id="search-hint">
                    {texts.hint}
                </p>
            </form>
        </search>
    );
};

type OnlyInProps = { organizationId: string; artifactId: string; end: () => void };

/** Says that one artifact is searched. */
const OnlyIn = ({ organizationId, artifactId, end }: OnlyInProps) => {
    const path = { organizationId, artifactId };
    const artifact = useResource(
        (signal) =>
            call(api.GET("/v1/organizations/{organizationId}/artifacts/{artifactId}", { params: { path }, signal })),
        [organizationId, artifactId],
    );
    return (
        <div class="row">
            <span>{texts.onlyIn(artifact.value.value?.name ?? texts.thisArtifact)}</span>
            <Button size="small" icon="close" onClick={end}>
                {texts.everywhere}
            </Button>
        </div>
    );
};

const Start = () => (
    <Empty icon="search" title={texts.start} text={texts.startText}>
        <dl class="search-tips">
            {texts.tips.map(({ example, meaning }) => (
                <div key={example}>
                    <dt>
                        <code>{example}</code>
                    </dt>
                    <dd class="soft">{meaning}</dd>
                </div>
            ))}
        </dl>
    </Empty>
);
