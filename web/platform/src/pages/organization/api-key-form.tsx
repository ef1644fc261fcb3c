import { useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { useForm, type Values } from "../../api/forms";
import type { components } from "../../api/schema";
import { Button } from "../../components/button";
import { ask, Dialog } from "../../components/dialog";
import { Select, TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { general, organization as texts } from "../../texts";
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

const expiryOf = (values: Values): string | null => {
    const lifetime = values.text("lifetime");
    if (lifetime === "never") return null;
    if (lifetime === "day") return endOfDay(values.text("expiresAt"));
    return new Date(Date.now() + Number(lifetime) * DAY).toISOString();
};

type KeyDialogProps = { organizationId: string; answer: (created?: WithSecret) => void };

const KeyDialog = ({ organizationId, answer }: KeyDialogProps) => {
    const [lifetime, setLifetime] = useState("365");
    const form = useForm({
        check: (values): Record<string, string> =>
            values.all("scopes").length > 0 ? {} : { scopes: texts.scopesNeeded },
        send: ({ values, key }) => {
            const params = { path: { organizationId }, header: { "Idempotency-Key": key } };
            const body = {
                name: values.text("name").trim(),
                scopes: scopesIn(values.all("scopes")),
                expiresAt: expiryOf(values),
            };
            return call(api.POST("/v1/organizations/{organizationId}/api-keys", { params, body }));
        },
        done: ({ body }) => answer(body.data),
    });
    // Not while the key is created: its secret is in the answer only.
    const close = () => form.isSending.value || answer();
    return (
        <Dialog title={texts.createKey} onClose={close} wide>
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
                    <Button onClick={close}>{general.cancel}</Button>
                    <Submit form={form}>{texts.createKey}</Submit>
                </div>
            </Form>
        </Dialog>
    );
};
