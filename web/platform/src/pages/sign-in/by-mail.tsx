// Signing in with the link, or the digits, of a mail.

import { useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { Button } from "../../components/button";
import { DigitsField } from "../../components/digits";
import { TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { PageHeader } from "../../components/page-header";
import { signIn as texts } from "../../texts";
import { finish } from "./finish";

type ByMailProps = { returnTo: string | undefined; back: () => void };

export const ByMail = ({ returnTo, back }: ByMailProps) => {
    const [email, setEmail] = useState<string | null>(null);
    return (
        <>
            {email === null ? (
                <AskForMail key="ask" mailed={setEmail} />
            ) : (
                <Digits key="digits" email={email} returnTo={returnTo} otherAddress={() => setEmail(null)} />
            )}
            <p class="sign-in-end">
                <Button look="quiet" size="small" icon="back" onClick={back}>
                    {texts.withPassword}
                </Button>
            </p>
        </>
    );
};

const AskForMail = ({ mailed }: { mailed: (email: string) => void }) => {
    const form = useForm({
        send: ({ values }) => call(api.POST("/v1/auth/magic-links", { body: { email: values.text("email") } })),
        done: (_, values) => mailed(values.text("email")),
    });
    return (
        <>
            <PageHeader title={texts.mailTitle} text={texts.mailText} />
            <Form form={form} label={texts.mailTitle}>
                <TextField
                    form={form}
                    name="email"
                    label={texts.email}
                    type="email"
                    autoComplete="username"
                    required
                    autoFocus
                />
                <Submit form={form} wide>
                    {texts.mailMe}
                </Submit>
            </Form>
        </>
    );
};

type DigitsProps = { email: string; returnTo: string | undefined; otherAddress: () => void };

const Digits = ({ email, returnTo, otherAddress }: DigitsProps) => {
    const form = useForm({
        send: ({ values }) => {
            const body = { email, code: values.digits("code"), transport: "cookie" as const };
            return call(api.POST("/v1/auth/magic-links/verify", { body }));
        },
        done: ({ body }) => finish(body, returnTo),
        explain: ({ code }) => (code === "invalid-code" ? { field: "code", text: texts.digitsWrong } : null),
    });
    return (
        <>
            <PageHeader title={texts.mailedTitle} text={texts.mailedText(email)} />
            <Form form={form} label={texts.mailedTitle}>
                <DigitsField form={form} name="code" label={texts.digits} autoFocus />
                <Submit form={form} wide>
                    {texts.signIn}
                </Submit>
                <Button wide onClick={otherAddress}>
                    {texts.otherAddress}
                </Button>
            </Form>
        </>
    );
};
