// Asks for a proof of identity, for what needs a sign-in within the last ten minutes.

import { useEffect, useRef, useState } from "preact/hooks";
import { api, call } from "../api/client";
import { useForm } from "../api/forms";
import { PasskeyNotUsed, provePasskey, supportsPasskeys } from "../api/passkeys";
import { Problem } from "../api/problem";
import { profile } from "../api/session";
import { general as texts } from "../texts";
import { Button } from "./button";
import { ask, Dialog } from "./dialog";
import { DigitsField } from "./digits";
import { Failure } from "./failure";
import { PasswordField, TextField } from "./field";
import { Cancel, Form, Submit } from "./form";
import "./reauthenticate.css";
import { SkeletonText } from "./skeleton";

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

type Answer = (proved: boolean) => void;

const Reauthenticate = ({ answer }: { answer: Answer }) => {
    const known = useKnownWays();
    const [chosen, setWay] = useState<Way | null>(null);
    const [needsFactor, setNeedsFactor] = useState(false);
    const way = chosen ?? (known.hasPassword ? "password" : "code");
    const needFactor = () => {
        setNeedsFactor(true);
        setWay("code");
    };
    return (
        <Dialog title={texts.reauthenticate} onClose={() => answer(false)}>
            <p class="soft">{texts.reauthenticateText}</p>
            {known.isLoading ? (
                <SkeletonText lines={2} />
            ) : (
                <>
                    <Proof key={way} way={way} needFactor={needFactor} answer={answer} />
                    <div class="ways">
                        <p class="small soft">{texts.reauthenticateBy}</p>
                        <OtherWays way={way} known={known} needsFactor={needsFactor} setWay={setWay} answer={answer} />
                    </div>
                </>
            )}
        </Dialog>
    );
};

type Known = { isLoading: boolean; hasPassword: boolean; hasPasskey: boolean };

/** Finds out how the person can sign in. Without an answer, every way is offered. */
const useKnownWays = (): Known => {
    const [known, setKnown] = useState<Known>({ isLoading: true, hasPassword: true, hasPasskey: true });
    useEffect(() => {
        call(api.GET("/v1/auth/accounts"))
            .then(({ body }) => {
                const has = (method: string) => body.data.some((account) => account.method === method);
                setKnown({ isLoading: false, hasPassword: has("password"), hasPasskey: has("passkey") });
            })
            .catch(() => setKnown({ isLoading: false, hasPassword: true, hasPasskey: true }));
    }, []);
    return known;
};

type ProofProps = { way: Way; needFactor: () => void; answer: Answer };

const Proof = ({ way, needFactor, answer }: ProofProps) => {
    const place = useRef<HTMLDivElement>(null);
    useEffect(() => place.current?.querySelector("input")?.focus(), []);
    const form = useForm({
        send: ({ values }) => {
            const digits = { code: values.digits(way) };
            const proofs = {
                password: { currentPassword: values.raw(way) },
                code: digits,
                recoveryCode: { recoveryCode: values.text(way) },
                mail: digits,
            };
            return call(api.POST("/v1/auth/reauthenticate", { body: proofs[way] }));
        },
        done: () => answer(true),
        explain: ({ code }) => {
            // With an authenticator app, only a second factor counts.
            if (code === "second-factor-needed") needFactor();
            if (code === "wrong-password") return { field: way, text: texts.wrongPassword };
            return code === "wrong-code" || code === "invalid-code" ? { field: way, text: texts.wrongCode } : null;
        },
    });
    const common = { form, name: way, required: true };
    const mailed = texts.codeMailed(profile.value?.email ?? "");
    return (
        <div ref={place}>
            <Form form={form} label={texts.reauthenticate}>
                {way === "password" && (
                    <PasswordField {...common} label={texts.byPassword} autoComplete="current-password" />
                )}
                {way === "code" && <DigitsField {...common} label={texts.byCode} hint={texts.codeHint} />}
                {way === "recoveryCode" && <TextField {...common} label={texts.byRecoveryCode} code />}
                {way === "mail" && <DigitsField {...common} label={texts.byMail} hint={mailed} />}
                <div class="form-actions">
                    <Cancel form={form} />
                    <Submit form={form}>{texts.confirm}</Submit>
                </div>
            </Form>
        </div>
    );
};

type OtherWaysProps = {
    way: Way;
    known: Known;
    needsFactor: boolean;
    setWay: (way: Way) => void;
    answer: Answer;
};

const OtherWays = ({ way, known, needsFactor, setWay, answer }: OtherWaysProps) => {
    const [busy, setBusy] = useState<"passkey" | "mail" | null>(null);
    const [failed, setFailed] = useState<Problem | null>(null);
    const [isRefused, setRefused] = useState(false);
    const attempt = async (name: "passkey" | "mail", run: () => Promise<void>) => {
        setBusy(name);
        setFailed(null);
        setRefused(false);
        try {
            await run();
        } catch (error) {
            if (error instanceof PasskeyNotUsed) setRefused(true);
            else setFailed(Problem.from(error));
        } finally {
            setBusy(null);
        }
    };
    const usePasskey = async () => {
        const passkeyCode = await provePasskey();
        await call(api.POST("/v1/auth/reauthenticate", { body: { passkeyCode } }));
        answer(true);
    };
    const mail = async () => {
        await call(api.POST("/v1/auth/magic-links", { body: { email: profile.value?.email ?? "" } }));
        setWay("mail");
    };
    return (
        <>
            <div class="row">
                {known.hasPasskey && supportsPasskeys() && (
                    <Button
                        size="small"
                        icon="passkey"
                        busy={busy === "passkey"}
                        onClick={() => void attempt("passkey", usePasskey)}
                    >
                        {texts.byPasskey}
                    </Button>
                )}
                {way !== "password" && known.hasPassword && !needsFactor && (
                    <Button size="small" onClick={() => setWay("password")}>
                        {texts.byPassword}
                    </Button>
                )}
                {way !== "code" && (
                    <Button size="small" onClick={() => setWay("code")}>
                        {texts.byCode}
                    </Button>
                )}
                {way !== "recoveryCode" && (
                    <Button size="small" onClick={() => setWay("recoveryCode")}>
                        {texts.byRecoveryCode}
                    </Button>
                )}
                {way !== "mail" && !needsFactor && (
                    <Button size="small" icon="mail" busy={busy === "mail"} onClick={() => void attempt("mail", mail)}>
                        {texts.mailCode}
                    </Button>
                )}
            </div>
            {isRefused && (
                <p class="soft small" role="alert">
                    {texts.passkeyFailed}
                </p>
            )}
            {failed && <Failure problem={failed} />}
        </>
    );
};
