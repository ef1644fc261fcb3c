import { type Answer, api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { type List, useResource } from "../../api/pages";
import type { components } from "../../api/schema";
import { confirm } from "../../components/confirm";
import { ask, Dialog } from "../../components/dialog";
import { TextField } from "../../components/field";
import { focusHeading } from "../../components/focus-heading";
import { Cancel, Form, Submit } from "../../components/form";
import { Loaded } from "../../components/loaded";
import { Menu, MenuItem } from "../../components/menu";
import { say } from "../../components/toast";
import { general, organization as texts } from "../../texts";
import type { ApiKey } from "./api-key-form";
import { Choices } from "./choices";
import { askForLimit } from "./rate-limit";
import { ScopesField, scopesIn } from "./scopes";
import { showSecret } from "./secret";

type WithSecret = components["schemas"]["ApiKeyWithSecret"];

const PATH = "/v1/organizations/{organizationId}/api-keys/{apiKeyId}";

type KeyProps = { organizationId: string; apiKey: ApiKey; list: List<ApiKey> };

/** What one may do with an API key. */
export const ApiKeyMenu = (props: KeyProps) => {
    const { organizationId, apiKey } = props;
    const isExpired = apiKey.expiresAt && Date.parse(apiKey.expiresAt) <= Date.now();
    return (
        <Menu label={texts.menuOf(apiKey.name)}>
            <MenuItem icon="edit" onClick={() => void edit(props)}>
                {texts.editKey}
            </MenuItem>
            {!isExpired && (
                <MenuItem icon="retry" onClick={() => void rotate(props)}>
                    {texts.rotateKey}
                </MenuItem>
            )}
            <MenuItem icon="budget" onClick={() => void askForLimit({ organizationId, apiKey })}>
                {texts.requestLimit}
            </MenuItem>
            <MenuItem icon="trash" danger onClick={() => void revoke(props)}>
                {texts.revokeKey}
            </MenuItem>
        </Menu>
    );
};

const edit = async ({ organizationId, apiKey, list }: KeyProps) => {
    const changed = await ask<ApiKey>((answer) => (
        <Dialog title={texts.editKeyOf(apiKey.name)} onClose={answer} wide>
            <EditDialog organizationId={organizationId} apiKeyId={apiKey.id} answer={answer} />
        </Dialog>
    ));
    if (changed === undefined) return;
    list.items.value = list.items.value.map((one) => (one.id === changed.id ? changed : one));
    say(general.saved);
};

type EditProps = { organizationId: string; apiKeyId: string; answer: (changed?: ApiKey) => void };

const EditDialog = ({ organizationId, apiKeyId, answer }: EditProps) => {
    const path = { organizationId, apiKeyId };
    const resource = useResource(
        (signal) => call(api.GET(PATH, { params: { path }, signal })),
        [organizationId, apiKeyId],
    );
    const form = useForm({
        resource,
        show: ({ name, scopes }: ApiKey) => ({ name, scopes: scopes.join(", ") }),
        check: (values): Record<string, string> =>
            values.all("scopes").length > 0 ? {} : { scopes: texts.scopesNeeded },
        send: ({ values, etag }): Promise<Answer<{ data: ApiKey }>> => {
            const params = { path, header: { "If-Match": etag } };
            const body = { name: values.text("name"), scopes: scopesIn(values.all("scopes")) };
            return call(api.PATCH(PATH, { params, body }));
        },
        done: ({ body }) => answer(body.data),
    });
    return (
        <Loaded resource={resource}>
            {({ name, scopes }) => (
                <Form form={form} label={texts.editKey} class="form-wide">
                    <TextField form={form} name="name" label={texts.name} value={name} maxLength={100} required />
                    <ScopesField form={form} value={scopes} />
                    <div class="form-actions">
                        <Cancel form={form} />
                        <Submit form={form}>{general.save}</Submit>
                    </div>
                </Form>
            )}
        </Loaded>
    );
};

const rotate = async ({ organizationId, apiKey, list }: KeyProps) => {
    const rotated = await ask<WithSecret>((answer) => (
        <RotateDialog organizationId={organizationId} apiKey={apiKey} answer={answer} />
    ));
    if (rotated === undefined) return;
    await showSecret(organizationId, rotated.name, rotated.key);
    await list.reload();
};

const OVERLAPS = ["86400", "604800", "3600", "0"] as const;

type RotateProps = { organizationId: string; apiKey: ApiKey; answer: (rotated?: WithSecret) => void };

const RotateDialog = ({ organizationId, apiKey, answer }: RotateProps) => {
    const form = useForm({
        send: ({ values, key }) => {
            const params = { path: { organizationId, apiKeyId: apiKey.id }, header: { "Idempotency-Key": key } };
            const body = { overlapSeconds: Number(values.text("overlapSeconds")) };
            return call(api.POST(`${PATH}/rotate`, { params, body }));
        },
        done: ({ body }) => answer(body.data),
    });
    return (
        <Dialog title={texts.rotateKeyOf(apiKey.name)} onClose={answer}>
            <Form form={form} label={texts.rotateKey}>
                <p class="soft">{texts.rotateKeyText}</p>
                <Choices
                    form={form}
                    name="overlapSeconds"
                    label={texts.overlap}
                    type="radio"
                    choices={OVERLAPS.map((value) => ({ value, ...texts.overlaps[value] }))}
                    chosen={[OVERLAPS[0]]}
                />
                <div class="form-actions">
                    <Cancel form={form} />
                    <Submit form={form}>{texts.rotateKey}</Submit>
                </div>
            </Form>
        </Dialog>
    );
};

/** Ends a key, whatever others have changed of it: who revokes a key wants it to end. */
const revoke = async ({ organizationId, apiKey: { id, name }, list }: KeyProps) => {
    const isRevoked = await confirm({
        title: texts.revokeKeyOf(name),
        text: texts.revokeKeyText,
        action: texts.revokeKey,
        danger: true,
        run: () => call(api.DELETE(PATH, { params: { path: { organizationId, apiKeyId: id } } })),
    });
    if (!isRevoked) return;
    list.items.value = list.items.value.filter((one) => one.id !== id);
    say(texts.keyRevoked(name));
    focusHeading();
};
