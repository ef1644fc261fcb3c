import { useEffect, useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import type { components } from "../../api/schema";
import { Button, LinkButton } from "../../components/button";
import { DigitsField } from "../../components/digits";
import { TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { PageHeader } from "../../components/page-header";
import { withReturnTo } from "../../navigation";
import { signIn as texts } from "../../texts";
import { finish, waiting } from "./finish";
import { Passkey } from "./passkey";

type Factor = components["schemas"]["SecondFactor"];
type Waiting = NonNullable<typeof waiting.value>;

const SecondFactor = () => {
    useEffect(
        () => () => {
            waiting.value = null;
        },
        [],
    );
    return waiting.value ? (
        <Challenge {...waiting.value} />
    ) : (
        <>
            <PageHeader title={texts.factorTitle} text={texts.challengeEnded} />
            <LinkButton href="/sign-in" look="primary" wide>
                {texts.beginAgain}
            </LinkButton>
        </>
    );
};

const Challenge = ({ challenge, returnTo }: Waiting) => {
    const { token, methods } = challenge;
    const [factor, setFactor] = useState<Factor>(methods.includes("totp") ? "totp" : "recovery_code");
    const withPasskey = async (passkeyCode: string) => {
        const body = { token, passkeyCode, transport: "cookie" as const };
        finish((await call(api.POST("/v1/auth/challenges/verify", { body }))).body, returnTo);
    };
    return (
        <>
            <PageHeader title={texts.factorTitle} text={texts.factorText} />
            {methods.includes("passkey") && <Passkey label={texts.usePasskey} use={withPasskey} />}
            {methods.includes(factor) && (
                <>
                    {methods.includes("passkey") && <p class="divider">{texts.or}</p>}
                    <Code key={factor} token={token} factor={factor} returnTo={returnTo} />
                </>
            )}
            {methods.includes("totp") && methods.includes("recovery_code") && (
                <Button look="quiet" wide onClick={() => setFactor(factor === "totp" ? "recovery_code" : "totp")}>
                    {factor === "totp" ? texts.useRecoveryCode : texts.useCode}
                </Button>
            )}
            <p class="sign-in-end">
                <a href={withReturnTo("/sign-in", returnTo)}>{texts.beginAgain}</a>
            </p>
        </>
    );
};

const Code = ({ token, factor, returnTo }: { token: string; factor: Factor; returnTo: string }) => {
    const isTotp = factor === "totp";
    const form = useForm({
        send: ({ values }) => {
            const proof = isTotp ? { code: values.digits("code") } : { recoveryCode: values.text("code") };
            return call(api.POST("/v1/auth/challenges/verify", { body: { token, ...proof, transport: "cookie" } }));
        },
        done: ({ body }) => finish(body, returnTo),
        explain: ({ code }) => {
            if (code === "challenge-ended") return { text: texts.challengeEnded };
            if (code !== "wrong-code") return null;
            return { field: "code", text: isTotp ? texts.codeWrong : texts.recoveryCodeWrong };
        },
    });
    return (
        <Form form={form} label={texts.factorTitle}>
            {isTotp ? (
                <DigitsField form={form} name="code" label={texts.code} hint={texts.codeHint} autoFocus />
            ) : (
                <TextField
                    form={form}
                    name="code"
                    label={texts.recoveryCode}
                    hint={texts.recoveryCodeHint}
                    required
                    autoFocus
                    code
                />
            )}
            <Submit form={form} wide>
                {texts.signIn}
            </Submit>
        </Form>
    );
};

export default SecondFactor;
