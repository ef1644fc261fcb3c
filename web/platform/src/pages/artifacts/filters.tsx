// The filters of the list. They stand in the address.

import { isId } from "../../api/id";
import type { Label } from "../../api/labels";
import type { Resource } from "../../api/pages";
import { Button } from "../../components/button";
import { Choice } from "../../components/choice";
import { focusHeading } from "../../components/focus-heading";
import { useTyped } from "../../components/typed";
import { navigate } from "../../navigation";
import { artifacts as texts } from "../../texts";
import "./filters.css";
import { MEDIA_TYPES, type MediaType } from "./file";
import type { Artifact } from "./uploads";

export type Filter = {
    name?: string | undefined;
    status?: Artifact["status"] | undefined;
    type?: MediaType | undefined;
    label?: string | undefined;
};

const STATUSES = ["pending", "processing", "ready", "failed", "expired"] as const;

/** Reads the filter from the query of the address. */
export const filterOf = (query: Record<string, string>): Filter => ({
    name: query.name || undefined,
    status: STATUSES.find((status) => status === query.status),
    type: MEDIA_TYPES.find((type) => type === query.type),
    label: isId(query.label ?? "") ? query.label : undefined,
});

export const isFiltered = (filter: Filter): boolean => Object.values(filter).some((value) => value !== undefined);

/** Returns the address of the list with a filter. */
export const withFilter = (base: string, filter: Filter): string => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, value);
    return query.size === 0 ? base : `${base}?${query}`;
};

/** Shows all artifacts again. */
export const clear = (base: string): void => {
    navigate(base, true);
    // The button is gone.
    focusHeading();
};

type FiltersProps = { base: string; filter: Filter; labels: Resource<Label[]> };

export const Filters = ({ base, filter, labels }: FiltersProps) => {
    const set = (change: Filter) => navigate(withFilter(base, { ...filter, ...change }), true);
    return (
        <search class="artifact-filters" aria-label={texts.filters}>
            <NameFilter value={filter.name ?? ""} set={(name) => set({ name: name || undefined })} />
            <Choice
                label={texts.status}
                any={texts.anyStatus}
                value={filter.status}
                options={STATUSES.map((value) => ({ value, text: texts.statuses[value] }))}
                set={(status) => set({ status })}
            />
            <Choice
                label={texts.type}
                any={texts.anyType}
                value={filter.type}
                options={MEDIA_TYPES.map((value) => ({ value, text: texts.types[value] }))}
                set={(type) => set({ type })}
            />
            <Choice
                label={texts.labels}
                any={texts.anyLabel}
                value={filter.label}
                options={(labels.value.value ?? []).map(({ id, name }) => ({ value: id, text: name }))}
                set={(label) => set({ label })}
            />
            {isFiltered(filter) && (
                <Button look="quiet" icon="close" onClick={() => clear(base)}>
                    {texts.clear}
                </Button>
            )}
        </search>
    );
};

const NameFilter = ({ value, set }: { value: string; set: (name: string) => void }) => {
    const { field, onInput } = useTyped(value, set);
    return (
        <input
            ref={field}
            class="input"
            type="search"
            defaultValue={value}
            aria-label={texts.nameBegins}
            placeholder={texts.nameBegins}
            maxLength={255}
            autoComplete="off"
            onInput={onInput}
        />
    );
};
