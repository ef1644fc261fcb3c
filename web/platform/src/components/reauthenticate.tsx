// Asks for a proof of identity, for what needs a sign-in within the last ten minutes.

import { useState } from "preact/hooks";
import { api, call } from "../api/client";
import { useForm } from "../api/forms";
import { PasskeyNotUsed, provePasskey, supportsPasskeys } from "../api/passkeys";
import { Problem } from "../api/problem";
import { profile } from "../api/session";
import { general as texts } from "../texts";
import { Button } from "./button";
import { ask, Dialog } from "./dialog";
import { Failure } from "./failure";
import { PasswordField, TextField } from "./field";
import { Form, Submit } from "./form";

type Way = "password" | "code" | "recoveryCode" | "mail";

let asking: Promise<boolean> | null = null;

/** Returns whether the person has proved it. Several requests at once ask only once. */
export const reauthenticate = (): Promise<boolean> => {
    asking ??= ask<boolean>((answer) => <Reauthenticate answer={answer} />)
        .then((proved) => proved ?? false)
        .finally(() => {
            asking = null;
        });
    return asking;
};

const Reauthenticate = ({ answer }: { answer: (proved: boolean) => void }) => {
    const [way, setWay] = useState<Way>("password");
    return (
        <Dialog title={texts.reauthenticate} onClose={() => answer(false)}>
            <p class="soft">{texts.reauthenticateText}</p>
            <Proof key={way} way={way} setWay={setWay} answer={answer} />
            <ByPasskey answer={answer} />
            <OtherWays way={way} setWay={setWay} />
        </Dialog>
    );
};

type ProofProps = { way: Way; setWay: (way: Way) => void; answer: (proved: boolean) => void };

const Proof = ({ way, setWay, answer }: ProofProps) => {
    const form = useForm({
        send: ({ values }) => {
            const proofs = {
                password: { currentPassword: values.text("currentPassword") },
                code: { code: values.text("code").trim() },
                recoveryCode: { recoveryCode: values.text("recoveryCode").trim() },
                mail: { code: values.text("code").trim() },
            };
            return call(api.POST("/v1/auth/reauthenticate", { body: proofs[way] }));
        },
        done: () => answer(true),
        explain: (problem) => {
            // With an authenticator app, only a second factor counts.
            if (problem.code === "second-factor-needed") setWay("code");
            if (problem.code === "wrong-password") return { field: "currentPassword", text: texts.wrongPassword };
            const field = way === "recoveryCode" ? "recoveryCode" : "code";
            return problem.code === "wrong-code" || problem.code === "invalid-code"
                ? { field, text: texts.wrongCode }
                : null;
        },
    });
    const digits = { inputMode: "numeric" as const, pattern: "[0-9]{6}", patternError: texts.codeError, code: true };
    return (
        <Form form={form}>
            {way === "password" && (
                <PasswordField
                    form={form}
                    name="currentPassword"
                    label={texts.byPassword}
                    autoComplete="current-password"
                    required
                />
            )}
            {way === "code" && (
                <TextField
                    form={form}
                    name="code"
                    label={texts.byCode}
                    autoComplete="one-time-code"
                    hint={texts.codeHint}
                    required
                    {...digits}
                />
            )}
            {way === "recoveryCode" && (
                <TextField form={form} name="recoveryCode" label={texts.byRecoveryCode} required code />
            )}
            {way === "mail" && (
                <TextField
                    form={form}
                    name="code"
                    label={texts.byMail}
                    autoComplete="one-time-code"
                    hint={texts.codeMailed(profile.value?.email ?? "")}
                    required
                    {...digits}
                />
            )}
            <div class="form-actions">
                <Button onClick={() => answer(false)}>{texts.cancel}</Button>
                <Submit form={form}>{texts.confirm}</Submit>
            </div>
        </Form>
    );
};

const ByPasskey = ({ answer }: { answer: (proved: boolean) => void }) => {
    const [isBusy, setBusy] = useState(false);
    const [failed, setFailed] = useState<Problem | null>(null);
    const [isRefused, setRefused] = useState(false);
    if (!supportsPasskeys()) return null;
    const prove = async () => {
        setBusy(true);
        setFailed(null);
        setRefused(false);
        try {
            const passkeyCode = await provePasskey();
            await call(api.POST("/v1/auth/reauthenticate", { body: { passkeyCode } }));
            answer(true);
        } catch (error) {
            if (error instanceof PasskeyNotUsed) setRefused(true);
            else setFailed(Problem.from(error));
        } finally {
            setBusy(false);
        }
    };
    return (
        <div class="stack stack-s">
            <Button icon="passkey" wide busy={isBusy} onClick={() => void prove()}>
                {texts.byPasskey}
            </Button>
            {isRefused && (
                <p class="soft small" role="alert">
                    {texts.passkeyFailed}
                </p>
            )}
            {failed && <Failure problem={failed} />}
        </div>
    );
};

const OtherWays = ({ way, setWay }: { way: Way; setWay: (way: Way) => void }) => {
    const [failed, setFailed] = useState<Problem | null>(null);
    const mail = async () => {
        setFailed(null);
        try {
            await call(api.POST("/v1/auth/magic-links", { body: { email: profile.value?.email ?? "" } }));
            setWay("mail");
        } catch (error) {
            setFailed(Problem.from(error));
        }
    };
    const others = [
        { way: "password" as const, text: texts.byPassword, choose: () => setWay("password") },
        { way: "code" as const, text: texts.byCode, choose: () => setWay("code") },
        { way: "recoveryCode" as const, text: texts.byRecoveryCode, choose: () => setWay("recoveryCode") },
        { way: "mail" as const, text: texts.mailCode, choose: () => void mail() },
    ];
    return (
        <details class="ways">
            <summary>{texts.reauthenticateBy}</summary>
            <div class="row">
                {others
                    .filter((other) => other.way !== way)
                    .map((other) => (
                        <Button key={other.way} size="small" onClick={other.choose}>
                            {other.text}
                        </Button>
                    ))}
            </div>
            {failed && <Failure problem={failed} />}
        </details>
    );
};
