// The dialog that adds an authenticator app.

import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import type { components } from "../../api/schema";
import { Copy } from "../../components/copy";
import { ask, Dialog } from "../../components/dialog";
import { DigitsField } from "../../components/digits";
import { Cancel, Form, Submit } from "../../components/form";
import { account as texts } from "../../texts";

type NewApp = components["schemas"]["NewTotp"];

/** Shows the key, and asks for a code of the app. Returns the recovery codes; `undefined` if the person closed the dialog. */
export const confirmApp = async (app: NewApp): Promise<readonly string[] | undefined> => {
    const { QrCode } = await import("./qr-code");
    return ask<readonly string[]>((answer) => (
        <Dialog title={texts.addAppTitle} onClose={answer}>
            <p class="strong">{texts.scan}</p>
            <QrCode text={app.uri} label={texts.qrCode} />
            <p class="soft small">{texts.typeKey}</p>
            <Copy value={app.secret} label={texts.key} />
            <Code answer={answer} />
        </Dialog>
    ));
};

const Code = ({ answer }: { answer: (codes?: readonly string[]) => void }) => {
    const form = useForm({
        send: ({ values }) => call(api.POST("/v1/auth/totp/confirm", { body: { code: values.digits("code") } })),
        done: ({ body }) => answer(body.data.recoveryCodes),
        explain: ({ code }) => (code === "wrong-code" ? { field: "code", text: texts.wrongCode } : null),
    });
    return (
        <Form form={form}>
            <DigitsField form={form} name="code" label={texts.enterCode} hint={texts.codeHint} />
            <div class="form-actions">
                <Cancel form={form} />
                <Submit form={form}>{texts.turnOn}</Submit>
            </div>
        </Form>
    );
};
