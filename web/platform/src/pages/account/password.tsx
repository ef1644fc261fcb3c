// The password: both the profile and the ways to sign in have it.

import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { Problem } from "../../api/problem";
import { profile } from "../../api/session";
import { ask, Dialog } from "../../components/dialog";
import { PasswordField } from "../../components/field";
import { Cancel, Form, Submit } from "../../components/form";
import { NewPasswordField } from "../../components/new-password";
import { say } from "../../components/toast";
import { account as texts } from "../../texts";
import { Action } from "./frame";

/** Sends a request with the current password. With a second factor, the password alone is not enough. */
export const sendWithPassword = async <T,>(send: () => Promise<T>): Promise<T> => {
    try {
        return await send();
    } catch (error) {
        if (Problem.from(error).code !== "second-factor-needed") throw error;
        const { reauthenticate } = await import("../../components/reauthenticate");
        if (!(await reauthenticate())) throw error;
        return send();
    }
};

/** Says what is wrong with the current password. */
export const explainPassword = ({ code }: Problem): { field?: string; text: string } | null => {
    if (code === "wrong-password") return { field: "currentPassword", text: texts.wrongPassword };
    return code === "second-factor-needed" ? { text: texts.notConfirmed } : null;
};

/** Tells password managers which account a new password belongs to. */
const AccountName = () => (
    <input
        class="hidden"
        type="email"
        autoComplete="username"
        value={profile.value?.email}
        readOnly
        tabIndex={-1}
        aria-hidden="true"
    />
);

/** Mails a link that sets a password. */
export const mailPasswordLink = async (): Promise<void> => {
    const email = profile.value?.email ?? "";
    await call(api.POST("/v1/auth/forgot-password", { body: { email } }));
    say(texts.passwordLinkMailed(email));
};

export const changePassword = (): Promise<unknown> =>
    ask((answer) => (
        <Dialog title={texts.changePassword} onClose={answer}>
            <p class="soft">{texts.passwordText}</p>
            <PasswordForm answer={answer} />
        </Dialog>
    ));

const PasswordForm = ({ answer }: { answer: () => void }) => {
    const form = useForm({
        send: ({ values }) => {
            const body = { currentPassword: values.raw("currentPassword"), newPassword: values.raw("newPassword") };
            return sendWithPassword(() => call(api.POST("/v1/auth/change-password", { body })));
        },
        done: () => {
            say(texts.passwordChanged);
            answer();
        },
        explain: explainPassword,
    });
    return (
        <Form form={form}>
            <AccountName />
            <PasswordField
                form={form}
                name="currentPassword"
                label={texts.currentPassword}
                autoComplete="current-password"
                required
            />
            <NewPasswordField form={form} name="newPassword" label={texts.newPassword} />
            <div class="form-actions">
                <Action look="quiet" run={() => mailPasswordLink().then(answer)}>
                    {texts.forgotPassword}
                </Action>
                <Cancel form={form} />
                <Submit form={form}>{texts.changePassword}</Submit>
            </div>
        </Form>
    );
};
