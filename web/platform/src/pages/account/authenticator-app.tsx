// The dialog that adds an authenticator app. It is loaded when it opens, because of the encoder of QR codes.

import { encode } from "uqr";
import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import type { components } from "../../api/schema";
import { Button } from "../../components/button";
import { Copy } from "../../components/copy";
import { ask, Dialog } from "../../components/dialog";
import { TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { general, account as texts } from "../../texts";

type NewApp = components["schemas"]["NewTotp"];

/** Shows the key, and asks for a code of the app. Returns the recovery codes; `undefined` if the person closed the dialog. */
export const confirmApp = (app: NewApp): Promise<readonly string[] | undefined> =>
    ask<readonly string[]>((answer) => (
        <Dialog title={texts.addAppTitle} onClose={answer}>
            <p class="strong">{texts.scan}</p>
            <QrCode text={app.uri} />
            <p class="soft small">{texts.typeKey}</p>
            <Copy value={app.secret} label={texts.key} />
            <Code answer={answer} />
        </Dialog>
    ));

const Code = ({ answer }: { answer: (codes?: readonly string[]) => void }) => {
    const form = useForm({
        send: ({ values }) =>
            call(api.POST("/v1/auth/totp/confirm", { body: { code: values.text("code").replaceAll(" ", "") } })),
        done: ({ body }) => answer(body.data.recoveryCodes),
        explain: ({ code }) => (code === "wrong-code" ? { field: "code", text: texts.wrongCode } : null),
    });
    return (
        <Form form={form}>
            <TextField
                form={form}
                name="code"
                label={texts.enterCode}
                hint={texts.codeHint}
                autoComplete="one-time-code"
                inputMode="numeric"
                pattern="[0-9]{3} ?[0-9]{3}"
                patternError={texts.codeError}
                required
                code
            />
            <div class="form-actions">
                <Button onClick={() => answer()}>{general.cancel}</Button>
                <Submit form={form}>{texts.turnOn}</Submit>
            </div>
        </Form>
    );
};

/** The cells of light around the code that scanners need. */
const QUIET = 4;

const QrCode = ({ text }: { text: string }) => {
    const { data, size } = encode(text, { ecc: "M", border: QUIET });
    const cells = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
    return (
        <svg
            class="account-qr"
            viewBox={`0 0 ${size} ${size}`}
            shape-rendering="crispEdges"
            role="img"
            aria-label={texts.qrCode}
        >
            <rect width={size} height={size} fill="#fff" />
            <path d={cells.join("")} fill="#000" />
        </svg>
    );
};
