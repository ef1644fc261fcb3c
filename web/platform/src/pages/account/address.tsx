// The e-mail address: its state, and its change, which waits for a mailed link.

import { effect, type ReadonlySignal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { type Profile, profile } from "../../api/session";
import { Badge, Notice } from "../../components/badge";
import { Button } from "../../components/button";
import { ask, Dialog } from "../../components/dialog";
import { PasswordField, TextField } from "../../components/field";
import { Cancel, Form, Submit } from "../../components/form";
import { say } from "../../components/toast";
import { account as texts } from "../../texts";
import { Action, Row, Rows, Section } from "./frame";
import { explainPassword, sendWithPassword } from "./password";

/** A new address whose link was mailed. The API does not tell it, so this tab remembers it. */
type Pending = { userId: string; address: string; endsAt: number };

const STORED = "arches.new-address";
const LIFETIME = 24 * 60 * 60 * 1_000;

const isPending = (value: unknown): value is Pending =>
    typeof value === "object" && value !== null && "userId" in value && "address" in value && "endsAt" in value;

const stored: unknown = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
const pending = signal(isPending(stored) ? stored : null);

effect(() => {
    if (profile.value !== null) return;
    pending.value = null;
    sessionStorage.removeItem(STORED);
});

const remember = (value: Pending): void => {
    pending.value = value;
    sessionStorage.setItem(STORED, JSON.stringify(value));
};

/** Returns the new address of this user that waits for its link. */
const pendingOf = ({ id, email }: Profile): string | null => {
    const value = pending.value;
    const waits = value !== null && value.userId === id && value.address !== email && value.endsAt > Date.now();
    return waits ? value.address : null;
};

type AddressProps = { user: Profile; hasPassword: ReadonlySignal<boolean>; reload: () => Promise<void> };

export const AddressSection = ({ user, hasPassword, reload }: AddressProps) => {
    const waiting = pendingOf(user);
    useEffect(() => {
        // The link is opened in another tab.
        const look = () => waiting !== null && document.visibilityState === "visible" && void reload();
        document.addEventListener("visibilitychange", look);
        return () => document.removeEventListener("visibilitychange", look);
    }, [waiting, reload]);
    const change = () => void changeAddress(user.id);
    return (
        <Section title={texts.email} text={texts.emailText}>
            <Rows>
                <Row
                    icon="mail"
                    title={
                        <>
                            <span>{user.email}</span>
                            {user.emailVerified ? (
                                <Badge tone="success">{texts.isVerified}</Badge>
                            ) : (
                                <Badge tone="warning">{texts.isNotVerified}</Badge>
                            )}
                        </>
                    }
                    text={!user.emailVerified && texts.notVerifiedText}
                >
                    {hasPassword.value && (
                        <Button size="small" onClick={change}>
                            {texts.changeEmail}
                        </Button>
                    )}
                </Row>
            </Rows>
            {!hasPassword.value && <p class="soft small">{texts.emailNeedsPassword}</p>}
            {waiting !== null && (
                <Notice>
                    <p class="strong">{texts.pendingTitle(waiting)}</p>
                    <p class="soft">{texts.pendingText(user.email)}</p>
                </Notice>
            )}
            <Delivery user={user} />
        </Section>
    );
};

/** Says why no mail arrives. */
const Delivery = ({ user: { emailDelivery, emailVerified } }: { user: Profile }) => {
    if (emailDelivery.status === "ok") return null;
    const isBounce = emailDelivery.reason === "bounce";
    const bounced = emailVerified ? texts.bounced : texts.bouncedUnverified;
    const mail = async () => {
        await call(api.POST("/v1/auth/request-verification"));
        say(texts.verificationMailed);
    };
    return (
        <Notice tone="warning">
            <p class="strong">{texts.deliveryStopped}</p>
            <p>{isBounce ? bounced : texts.complained}</p>
            {isBounce && emailVerified && (
                <p>
                    <Action run={mail}>{texts.sendAgain}</Action>
                </p>
            )}
        </Notice>
    );
};

const changeAddress = (userId: string): Promise<unknown> =>
    ask((answer) => (
        <Dialog title={texts.changeEmail} onClose={answer}>
            <p class="soft">{texts.changeEmailText}</p>
            <AddressForm userId={userId} answer={answer} />
        </Dialog>
    ));

const AddressForm = ({ userId, answer }: { userId: string; answer: () => void }) => {
    const form = useForm({
        send: ({ values }) => {
            const body = { newEmail: values.text("newEmail"), currentPassword: values.raw("currentPassword") };
            return sendWithPassword(() => call(api.POST("/v1/auth/change-email", { body })));
        },
        done: (_, values) => {
            const address = values.text("newEmail");
            remember({ userId, address, endsAt: Date.now() + LIFETIME });
            say(texts.pendingTitle(address));
            answer();
        },
        explain: explainPassword,
    });
    return (
        <Form form={form}>
            <TextField form={form} name="newEmail" label={texts.newEmail} type="email" autoComplete="email" required />
            <PasswordField
                form={form}
                name="currentPassword"
                label={texts.currentPassword}
                autoComplete="current-password"
                required
            />
            <div class="form-actions">
                <Cancel form={form} />
                <Submit form={form}>{texts.sendLink}</Submit>
            </div>
        </Form>
    );
};
