// The filters of an audit log. They stand in the address of the page, so that it can be sent to others and "Back" works.

import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso";
import { useForm, WrongFields } from "../api/forms";
import { isId } from "../api/id";
import { navigate } from "../navigation";
import { audit as texts } from "../texts";
import type { People } from "./audit-events";
import { AREAS, type Area } from "./audit-words";
import { LinkButton } from "./button";
import { TextField } from "./field";
import { Form, Submit } from "./form";

const PARAMETERS = ["action", "actorId", "targetId", "from", "until"] as const;
type Parameter = (typeof PARAMETERS)[number];

export type AuditFilter = Partial<Record<Parameter, string>>;

/** Returns the filter in the address of the page. */
export const useAuditFilter = (): AuditFilter => {
    const { query } = useLocation();
    return Object.fromEntries(PARAMETERS.filter((name) => query[name]).map((name) => [name, query[name]]));
};

/** Returns the path of a page with this filter. */
export const withFilter = (path: string, filter: AuditFilter): string => {
    const query = new URLSearchParams();
    for (const name of PARAMETERS) if (filter[name]) query.set(name, filter[name]);
    return query.size > 0 ? `${path}?${query}` : path;
};

/** Returns the beginning of a day in the time zone of the browser, or of the day after it. */
export const beginOf = (day: string | undefined, daysLater = 0): string | undefined => {
    const time = new Date(`${day}T00:00`);
    if (Number.isNaN(time.getTime())) return undefined;
    time.setDate(time.getDate() + daysLater);
    return time.toISOString();
};

// On a phone, the filters stand behind a button.
const WIDE = matchMedia("(min-width: 601px)");

type FiltersProps = { filter: AuditFilter; people?: People | undefined; areas: readonly Area[] };

export const AuditFilters = ({ filter, people, areas }: FiltersProps) => {
    const { path } = useLocation();
    const box = useRef<HTMLDetailsElement>(null);
    const parameters = withFilter("", filter);
    // Shows the filter of the address, also after "Back"; before a person can choose another one.
    useLayoutEffect(() => box.current?.querySelector("form")?.reset(), [parameters]);

    const idOf = async (field: Parameter, text: string | null): Promise<string | undefined> => {
        if (text === null || people?.find === undefined) return undefined;
        const id = isId(text) ? text : await people.find(text);
        if (id === undefined) throw new WrongFields({ [field]: texts.unknownPerson });
        return id;
    };
    const form = useForm({
        check: (values) => {
            const [from, until] = [values.text("from"), values.text("until")];
            const wrong: Record<string, string> = from && until && until < from ? { until: texts.wrongOrder } : {};
            for (const name of ["actorId", "targetId"]) {
                const text = values.optional(name);
                if (text !== null && !isId(text) && !text.includes("@")) wrong[name] = texts.notAPerson;
            }
            return wrong;
        },
        send: async ({ values }) => ({
            action: values.text("action"),
            actorId: await idOf("actorId", values.optional("actorId")),
            targetId: await idOf("targetId", values.optional("targetId")),
            from: values.text("from"),
            until: values.text("until"),
        }),
        done: (chosen) => navigate(withFilter(path, chosen)),
    });
    const person = (name: "actorId" | "targetId", label: string) => (
        <TextField
            form={form}
            name={name}
            label={label}
            value={filter[name]}
            hint={people?.nameOf(filter[name] ?? "") ?? texts.personHint}
            type="search"
            quiet
        />
    );
    return (
        <details ref={box} class="audit-filters" open={WIDE.matches || parameters !== ""}>
            <summary>{texts.filters}</summary>
            <Form form={form} label={texts.filters} class="audit-fields">
                <ActionSelect value={filter.action} areas={areas} />
                <TextField form={form} name="from" label={texts.from} type="date" value={filter.from} quiet />
                <TextField form={form} name="until" label={texts.until} type="date" value={filter.until} quiet />
                {people?.find && person("actorId", texts.actor)}
                {people?.find && person("targetId", texts.target)}
                <div class="form-actions">
                    <Submit form={form}>{texts.filter}</Submit>
                    {parameters !== "" && <LinkButton href={path}>{texts.clear}</LinkButton>}
                </div>
            </Form>
        </details>
    );
};

const ActionSelect = ({ value, areas }: { value: string | undefined; areas: readonly Area[] }) => {
    const id = useId();
    return (
        <div class="field">
            <label class="field-label" for={id}>
                {texts.action}
            </label>
            <select class="input" id={id} name="action">
                <option value="">{texts.allActions}</option>
                {AREAS.filter((area) => areas.includes(area)).map((area) => (
                    <optgroup key={area} label={texts.areas[area].name}>
                        {Object.entries(texts.areas[area].actions).map(([action, words]) => (
                            <option key={action} value={action} {...{ defaultSelected: action === value }}>
                                {words?.done}
                            </option>
                        ))}
                    </optgroup>
                ))}
            </select>
        </div>
    );
};
