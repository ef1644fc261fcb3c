// The passkeys of an account.

import { signal } from "@preact/signals";
import { useMemo, useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import type { List, Resource } from "../../api/pages";
import { makePasskey, PasskeyNotUsed, supportsPasskeys } from "../../api/passkeys";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { ask, Dialog } from "../../components/dialog";
import { Empty } from "../../components/empty";
import { TextField } from "../../components/field";
import { Cancel, Form, Submit } from "../../components/form";
import { Menu, MenuItem } from "../../components/menu";
import { say } from "../../components/toast";
import { general, account as texts } from "../../texts";
import { Row, Rows, Section } from "./frame";
import { type Method, OnlyWay, removeMethod, Used } from "./methods";

export const Passkeys = ({ methods }: { methods: List<Method> }) => {
    const passkeys = methods.items.value.filter(({ method }) => method === "passkey");
    const add = supportsPasskeys() ? (
        <Button size="small" icon="add" onClick={() => void addPasskey(methods)}>
            {texts.addPasskey}
        </Button>
    ) : (
        <p class="soft small">{texts.passkeysNotSupported}</p>
    );
    return (
        <Section title={texts.passkeys} text={texts.passkeysText}>
            {passkeys.length === 0 ? (
                <Empty icon="passkey" title={texts.noPasskeys} text={texts.noPasskeysText}>
                    {add}
                </Empty>
            ) : (
                <>
                    <Rows>
                        {passkeys.map((passkey) => (
                            <PasskeyRow key={passkey.id} methods={methods} passkey={passkey} />
                        ))}
                    </Rows>
                    <div class="row">{add}</div>
                </>
            )}
        </Section>
    );
};

const PasskeyRow = ({ methods, passkey }: { methods: List<Method>; passkey: Method }) => {
    const name = passkey.name ?? "";
    const remove = () =>
        removeMethod({
            methods,
            method: passkey,
            what: name,
            title: texts.removePasskeyTitle(name),
            text: texts.removePasskeyText,
        });
    return (
        <Row
            icon="passkey"
            title={
                <>
                    <span>{name}</span>
                    {passkey.backedUp && <Badge>{texts.backedUp}</Badge>}
                    <OnlyWay methods={methods} method={passkey} />
                </>
            }
            text={<Used verb={texts.added} method={passkey} />}
        >
            <Menu label={`${name}: ${general.more}`}>
                <MenuItem icon="edit" onClick={() => void renamePasskey(methods, passkey)}>
                    {texts.rename}
                </MenuItem>
                {methods.items.value.length > 1 && (
                    <MenuItem icon="trash" danger onClick={() => void remove()}>
                        {texts.remove}
                    </MenuItem>
                )}
            </Menu>
        </Row>
    );
};

const addPasskey = async (methods: List<Method>): Promise<void> => {
    const name = await ask<string>((answer) => (
        <Dialog title={texts.addPasskey} onClose={answer}>
            <p class="soft">{texts.addPasskeyText}</p>
            <NewPasskey answer={answer} />
        </Dialog>
    ));
    if (name === undefined) return;
    say(texts.passkeyAdded(name));
    await methods.reload();
};

const NewPasskey = ({ answer }: { answer: (name?: string) => void }) => {
    const [isRefused, setRefused] = useState(false);
    const form = useForm({
        send: async ({ values }) => {
            setRefused(false);
            const { body: begun } = await call(api.POST("/v1/auth/passkeys/options"));
            try {
                const made = await makePasskey(begun.data);
                const body = { ...made, name: values.text("name") };
                return await call(api.POST("/v1/auth/passkeys", { body }));
            } catch (error) {
                if (error instanceof PasskeyNotUsed) return null;
                throw error;
            }
        },
        done: (added) => {
            if (added === null) setRefused(true);
            else answer(added.body.data.name);
        },
    });
    return (
        <Form form={form}>
            <TextField
                form={form}
                name="name"
                label={texts.passkeyName}
                hint={texts.passkeyNameHint}
                value={deviceName()}
                maxLength={100}
                required
            />
            {isRefused && <p role="alert">{texts.passkeyNotMade}</p>}
            <div class="form-actions">
                <Cancel form={form} />
                <Submit form={form} icon="passkey">
                    {texts.goOn}
                </Submit>
            </div>
        </Form>
    );
};

const DEVICES: readonly [RegExp, string][] = [
    [/iPhone/, "iPhone"],
    [/iPad/, "iPad"],
    [/Android/, "Android"],
    [/Mac OS/, "Mac"],
    [/Windows/, "Windows"],
    [/CrOS/, "Chromebook"],
    [/Linux/, "Linux"],
];

/** Returns a first name for a passkey of this device. */
const deviceName = (): string => DEVICES.find(([pattern]) => pattern.test(navigator.userAgent))?.[1] ?? "";

const renamePasskey = async (methods: List<Method>, passkey: Method): Promise<void> => {
    const isRenamed = await ask<boolean>((answer) => (
        <Dialog title={texts.renamePasskey} onClose={answer}>
            <NewName methods={methods} passkey={passkey} answer={answer} />
        </Dialog>
    ));
    if (!isRenamed) return;
    say(general.saved);
    await methods.reload();
};

type NewNameProps = { methods: List<Method>; passkey: Method; answer: (isRenamed?: boolean) => void };

const NewName = ({ methods, passkey, answer }: NewNameProps) => {
    const resource = useMemo(() => resourceOf(methods, passkey), [methods, passkey]);
    const path = { id: passkey.id };
    const form = useForm({
        resource,
        show: ({ name }: Method) => ({ name: name ?? "" }),
        send: ({ values, etag }) =>
            call(
                api.PATCH("/v1/auth/passkeys/{id}", {
                    params: { path, header: { "If-Match": etag } },
                    body: { name: values.text("name") },
                }),
            ),
        done: () => answer(true),
    });
    return (
        <Form form={form}>
            <TextField
                form={form}
                name="name"
                label={texts.passkeyName}
                value={resource.value.value?.name}
                maxLength={100}
                required
            />
            <div class="form-actions">
                <Cancel form={form} />
                <Submit form={form}>{general.save}</Submit>
            </div>
        </Form>
    );
};

/** Returns one passkey of the list as a resource: it cannot be loaded alone. */
const resourceOf = (methods: List<Method>, passkey: Method): Resource<Method> => {
    const value = signal<Method | undefined>(passkey);
    const etag = signal<string | null>(null);
    const show = (found: Method | undefined) => {
        value.value = found;
        etag.value = found?.version === undefined ? null : `"${found.version}"`;
    };
    show(passkey);
    const reload = async () => {
        await methods.reload();
        show(methods.items.value.find(({ id }) => id === passkey.id));
    };
    return { value, etag, state: methods.state, problem: methods.problem, reload, set: ({ body }) => show(body.data) };
};
