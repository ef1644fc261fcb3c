// The labels of an organization: shown, chosen in a form, and managed.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { type Form as FormState, useForm } from "../../api/forms";
import type { Label } from "../../api/labels";
import { type Resource, useResource } from "../../api/pages";
import { Problem } from "../../api/problem";
import { Button } from "../../components/button";
import { confirm } from "../../components/confirm";
import { ask, Dialog } from "../../components/dialog";
import { Failure, words } from "../../components/failure";
import { TextField } from "../../components/field";
import { focusHeading } from "../../components/focus-heading";
import { Cancel, Form, Submit } from "../../components/form";
import { Icon } from "../../components/icon";
import { Loaded } from "../../components/loaded";
import { general, artifacts as texts } from "../../texts";
import "./labels.css";

const MAX_LABELS = 20;
const MAX_NAME = 100;

type Labels = Resource<Label[]>;

/** The labels of one artifact. Each leads to the artifacts with it. */
export const LabelLinks = ({ ids, labels, base }: { ids: readonly string[]; labels: Labels; base: string }) => {
    const own = (labels.value.value ?? []).filter(({ id }) => ids.includes(id));
    return own.length === 0 ? null : (
        <ul class="label-list">
            {own.map(({ id, name }) => (
                <li key={id}>
                    <a class="label" href={`${base}?label=${id}`} title={texts.showLabel(name)} onClick={focusHeading}>
                        {name}
                    </a>
                </li>
            ))}
        </ul>
    );
};

const createLabel = async (organizationId: string, name: string, key: string): Promise<Label> => {
    const { body } = await call(
        api.POST("/v1/organizations/{organizationId}/labels", {
            params: { path: { organizationId }, header: { "Idempotency-Key": key } },
            body: { name },
        }),
    );
    return body.data;
};

const explain = ({ code }: Problem) => (code === "label-exists" ? { field: "name", text: texts.labelExists } : null);

/** The field of a form that chooses labels, by their names. `idsOf` makes ids of them. */
export const LABELS = "labels";

/** Returns the ids of the chosen labels, with those that the form did not show. `undefined` if it showed none. */
export const idsOf = (
    names: readonly string[],
    labels: Labels,
    before: readonly string[] = [],
): string[] | undefined => {
    const all = labels.value.peek();
    if (all === undefined) return undefined;
    const hidden = before.filter((id) => !all.some((label) => label.id === id));
    return [...all.filter(({ name }) => names.includes(name)).map(({ id }) => id), ...hidden];
};

/** Returns what is wrong with a choice of labels. */
export const checkLabels = (names: readonly string[]): Record<string, string> =>
    names.length > MAX_LABELS ? { [LABELS]: texts.tooManyLabels } : {};

type ChoiceProps = { form: FormState; organizationId: string; labels: Labels; chosen: readonly string[] };

export const LabelChoice = ({ form, organizationId, labels, chosen }: ChoiceProps) => {
    const [added, setAdded] = useState<readonly string[]>([]);
    useEffect(() => {
        void labels.reload();
        form.labels.set(LABELS, texts.labels);
        return () => void form.labels.delete(LABELS);
    }, [form]);
    const all = labels.value.value ?? [];
    const error = form.errors.value[LABELS];
    return (
        <fieldset class="field label-field" aria-describedby={error ? "labels-error" : undefined}>
            <legend class="field-label">{texts.labels}</legend>
            <div class="label-choice">
                {all.map(({ id, name }) => (
                    <label key={id} class="label">
                        <input
                            type="checkbox"
                            name={LABELS}
                            value={name}
                            defaultChecked={chosen.includes(id) || added.includes(id)}
                        />
                        {name}
                    </label>
                ))}
                {labels.state.value === "ready" && all.length === 0 && <span class="soft small">{texts.noLabels}</span>}
            </div>
            {labels.problem.value && <Failure problem={labels.problem.value} retry={() => void labels.reload()} />}
            {error && (
                <p class="field-error" id="labels-error">
                    <Icon name="warning" />
                    <span>{error}</span>
                </p>
            )}
            <AddHere
                add={async (name, key) => {
                    const label = await createLabel(organizationId, name, key);
                    setAdded((before) => [...before, label.id]);
                    const others = (labels.value.peek() ?? []).filter(({ id }) => id !== label.id);
                    labels.value.value = [...others, label];
                }}
            />
        </fieldset>
    );
};

/** Adds a label inside a form, which cannot contain another form. */
const AddHere = ({ add }: { add: (name: string, key: string) => Promise<void> }) => {
    const field = useRef<HTMLInputElement>(null);
    const [isBusy, setBusy] = useState(false);
    const [error, setError] = useState<string | null>(null);
    const sent = useRef({ name: "", key: "" });
    const send = async () => {
        const name = field.current?.value.trim() ?? "";
        if (name === "" || isBusy) return;
        // The same key for the same name: after a request without an answer, the label may be there already.
        if (sent.current.name !== name) sent.current = { name, key: crypto.randomUUID() };
        setBusy(true);
        setError(null);
        try {
            await add(name, sent.current.key);
            sent.current = { name: "", key: "" };
            if (field.current) field.current.value = "";
        } catch (failed) {
            const problem = Problem.from(failed);
            setError(explain(problem)?.text ?? problem.errors[0]?.detail ?? words(problem));
        } finally {
            setBusy(false);
        }
    };
    return (
        <>
            <div class="label-add">
                <input
                    ref={field}
                    class="input"
                    aria-label={texts.labelName}
                    aria-invalid={error ? "true" : undefined}
                    aria-describedby={error ? "label-add-error" : undefined}
                    placeholder={texts.labelName}
                    maxLength={MAX_NAME}
                    autoComplete="off"
                    onKeyDown={(event) => {
                        if (event.key !== "Enter") return;
                        event.preventDefault();
                        void send();
                    }}
                />
                <Button icon="add" busy={isBusy} onClick={() => void send()}>
                    {texts.addLabel}
                </Button>
            </div>
            {error && (
                <p class="field-error" id="label-add-error" role="alert">
                    <Icon name="warning" />
                    <span>{error}</span>
                </p>
            )}
        </>
    );
};

/** Opens the dialog in which labels are added, renamed and deleted. */
export const manageLabels = (organizationId: string, labels: Labels): Promise<unknown> =>
    ask((answer) => (
        <Dialog title={texts.labelsTitle} onClose={answer}>
            <p class="soft">{texts.labelsText}</p>
            <NewLabel organizationId={organizationId} labels={labels} />
            <Loaded resource={labels}>
                {(all) =>
                    all.length === 0 ? (
                        <p class="soft">{texts.noLabels}</p>
                    ) : (
                        <ul class="label-rows">
                            {all.map((label) => (
                                <li key={label.id}>
                                    <span class="grow">{label.name}</span>
                                    <Button
                                        look="quiet"
                                        size="small"
                                        icon="edit"
                                        label={texts.renameLabel(label.name)}
                                        onClick={() => void renameLabel(organizationId, label, labels)}
                                    />
                                    <Button
                                        look="quiet"
                                        size="small"
                                        icon="trash"
                                        label={texts.removeLabel(label.name)}
                                        onClick={() => void removeLabel(organizationId, label, labels)}
                                    />
                                </li>
                            ))}
                        </ul>
                    )
                }
            </Loaded>
        </Dialog>
    ));

const NewLabel = ({ organizationId, labels }: { organizationId: string; labels: Labels }) => {
    const place = useRef<HTMLDivElement>(null);
    const form = useForm({
        send: ({ values, key }) => createLabel(organizationId, values.text("name"), key),
        done: () => {
            place.current?.querySelector("form")?.reset();
            place.current?.querySelector("input")?.focus();
            return labels.reload();
        },
        explain,
    });
    return (
        <div ref={place}>
            <Form form={form} label={texts.addLabel} class="label-form">
                <TextField form={form} name="name" label={texts.labelName} required maxLength={MAX_NAME} />
                <Submit form={form} icon="add">
                    {texts.addLabel}
                </Submit>
            </Form>
        </div>
    );
};

const renameLabel = (organizationId: string, label: Label, labels: Labels): Promise<unknown> =>
    ask((answer) => (
        <Dialog title={texts.renameTitle} onClose={answer}>
            <Rename organizationId={organizationId} label={label} labels={labels} close={answer} />
        </Dialog>
    ));

type RenameProps = { organizationId: string; label: Label; labels: Labels; close: () => void };

const Rename = ({ organizationId, label, labels, close }: RenameProps) => {
    const path = { organizationId, labelId: label.id };
    const resource = useResource(
        (signal) => call(api.GET("/v1/organizations/{organizationId}/labels/{labelId}", { params: { path }, signal })),
        [organizationId, label.id],
    );
    const form = useForm({
        resource,
        show: ({ name }: Label) => ({ name }),
        send: ({ values, etag }) =>
            call(
                api.PATCH("/v1/organizations/{organizationId}/labels/{labelId}", {
                    params: { path, header: { "If-Match": etag } },
                    body: { name: values.text("name") },
                }),
            ),
        done: () => {
            close();
            return labels.reload();
        },
        explain,
    });
    return (
        <Loaded resource={resource}>
            {({ name }) => (
                <Form form={form}>
                    <TextField form={form} name="name" label={texts.name} value={name} required maxLength={MAX_NAME} />
                    <div class="form-actions">
                        <Cancel form={form} />
                        <Submit form={form}>{general.save}</Submit>
                    </div>
                </Form>
            )}
        </Loaded>
    );
};

const removeLabel = async (organizationId: string, { id, name }: Label, labels: Labels) => {
    const path = { organizationId, labelId: id };
    const isGone = await confirm({
        title: texts.removeLabelTitle(name),
        text: texts.removeLabelText,
        action: texts.remove,
        danger: true,
        run: () => call(api.DELETE("/v1/organizations/{organizationId}/labels/{labelId}", { params: { path } })),
    });
    if (!isGone) return;
    await labels.reload();
    // The button is gone.
    document.querySelector<HTMLElement>(".label-form input")?.focus();
};
