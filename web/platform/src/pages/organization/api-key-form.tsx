import { useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { useForm, type Values } from "../../api/forms";
import type { components } from "../../api/schema";
import { ask, Dialog } from "../../components/dialog";
import { Select, TextField } from "../../components/field";
import { Cancel, Form, Submit } from "../../components/form";
import { organization as texts } from "../../texts";
import { day, endOfDay } from "./days";
import { ScopesField, scopesIn } from "./scopes";
import { showSecret } from "./secret";

export type ApiKey = components["schemas"]["ApiKey"];
type WithSecret = components["schemas"]["ApiKeyWithSecret"];

/** Asks for a new API key, and shows its secret. Returns whether there is one. */
export const createKey = async (organizationId: string): Promise<boolean> => {
    const created = await ask<WithSecret>((answer) => <KeyDialog organizationId={organizationId} answer={answer} />);
    if (created === undefined) return false;
    await showSecret(organizationId, created.name, created.key);
    return true;
};

const LIFETIMES = ["7", "30", "90", "365", "never", "day"] as const;
const DAY = 86_400_000;

const expiryOf = (values: Values, now: number): string | null => {
    const lifetime = values.text("lifetime");
    if (lifetime === "never") return null;
    if (lifetime === "day") return endOfDay(values.text("expiresAt"));
    return new Date(now + Number(lifetime) * DAY).toISOString();
};

type KeyDialogProps = { organizationId: string; answer: (created?: WithSecret) => void };

const KeyDialog = ({ organizationId, answer }: KeyDialogProps) => {
    const [lifetime, setLifetime] = useState("365");
    // A repeated request is the same one only with the same time.
    const [opened] = useState(Date.now);
    const form = useForm({
        check: (values): Record<string, string> =>
            values.all("scopes").length > 0 ? {} : { scopes: texts.scopesNeeded },
        send: ({ values, key }) => {
            const params = { path: { organizationId }, header: { "Idempotency-Key": key } };
            const body = {
                name: values.text("name").trim(),
                scopes: scopesIn(values.all("scopes")),
                expiresAt: expiryOf(values, opened),
            };
            return call(api.POST("/v1/organizations/{organizationId}/api-keys", { params, body }));
        },
        done: ({ body }) => answer(body.data),
    });
    return (
        <Dialog title={texts.createKey} onClose={answer} wide>
            <Form form={form} label={texts.createKey} class="form-wide">
                <TextField
                    form={form}
                    name="name"
                    label={texts.name}
                    hint={texts.keyNameHint}
                    maxLength={100}
                    required
                />
                <ScopesField form={form} value={[]} />
                <div onChange={({ target }) => target instanceof HTMLSelectElement && setLifetime(target.value)}>
                    <Select
                        form={form}
                        name="lifetime"
                        label={texts.validFor}
                        value={lifetime}
                        hint={lifetime === "never" ? texts.neverHint : undefined}
                        options={LIFETIMES.map((value) => ({ value, text: texts.lifetimes[value] }))}
                    />
                </div>
                {lifetime === "day" && (
                    <TextField
                        form={form}
                        name="expiresAt"
                        label={texts.lastDay}
                        type="date"
                        min={day(new Date())}
                        patternError={texts.dayPassed}
                        required
                    />
                )}
                <div class="form-actions">
                    <Cancel form={form} />
                    <Submit form={form}>{texts.createKey}</Submit>
                </div>
            </Form>
        </Dialog>
    );
};
