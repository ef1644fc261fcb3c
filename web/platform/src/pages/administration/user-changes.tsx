// Asks before each change of an account, makes it, and says what it did.

import { type Answer, api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { own } from "../../api/own";
import type { Resource } from "../../api/pages";
import { Problem } from "../../api/problem";
import { confirm } from "../../components/confirm";
import { ask, Dialog } from "../../components/dialog";
import { download } from "../../components/download";
import { TextArea, TextField } from "../../components/field";
import { Cancel, Form, Submit } from "../../components/form";
import { say } from "../../components/toast";
import { forms, administration as texts } from "../../texts";
import type { User } from "./states";

type UserAnswer = Answer<{ data: User }>;

const pathOf = (user: User) => ({ path: { userId: user.id } });

/** Adds the version that the administrator has seen. */
const ofVersion = (user: User, resource: Resource<User>) => ({
    ...pathOf(user),
    header: { "If-Match": resource.etag.value ?? undefined },
});

/** Waits for a change. A refusal is said in our words; after a change by somebody else, the page shows it. */
const inOurWords = async <T,>(change: Promise<T>, resource?: Resource<User>): Promise<T> => {
    try {
        return await change;
    } catch (error) {
        const problem = Problem.from(error);
        problem.explanation = own(texts.problems, problem.code) ?? null;
        if (problem.code === "stale") void resource?.reload();
        throw problem;
    }
};

type Question = {
    title: string;
    text: string;
    action: string;
    danger?: boolean;
    typed?: string;
    change: () => Promise<UserAnswer>;
    said: (user: User) => string;
};

/** Asks, changes the user, shows the result and says it. */
const confirmChange = async (resource: Resource<User>, { change, said, ...question }: Question) => {
    await confirm({
        ...question,
        run: async () => {
            const answer = await inOurWords(change(), resource);
            resource.set(answer);
            say(said(answer.body.data));
        },
    });
};

export const endSessions = async (user: User): Promise<void> => {
    await confirm({
        title: texts.endSessions,
        text: texts.endSessionsConfirm(user),
        action: texts.endSessions,
        run: async () => {
            await inOurWords(call(api.DELETE("/v1/users/{userId}/sessions", { params: pathOf(user) })));
            say(texts.sessionsEnded(user));
        },
    });
};

export const removeFactors = (user: User, resource: Resource<User>): Promise<void> =>
    confirmChange(resource, {
        title: texts.removeFactors,
        text: texts.removeFactorsConfirm(user),
        action: texts.removeFactors,
        danger: true,
        change: () => call(api.DELETE("/v1/users/{userId}/factors", { params: pathOf(user) })),
        said: texts.factorsRemoved,
    });

export const resumeMail = (user: User, resource: Resource<User>): Promise<void> =>
    confirmChange(resource, {
        title: texts.resumeMail,
        text: texts.resumeMailConfirm(user),
        action: texts.resumeMail,
        change: () => call(api.DELETE("/v1/users/{userId}/mail-suppression", { params: pathOf(user) })),
        said: texts.mailResumed,
    });

export const appoint = (user: User, resource: Resource<User>, systemAdministrator: boolean): Promise<void> => {
    const params = ofVersion(user, resource);
    return confirmChange(resource, {
        ...(systemAdministrator
            ? { title: texts.appoint, text: texts.appointConfirm(user), action: texts.appointAction }
            : { title: texts.dismiss, text: texts.dismissConfirm(user), action: texts.dismissAction }),
        change: () => call(api.PATCH("/v1/users/{userId}", { params, body: { systemAdministrator } })),
        said: systemAdministrator ? texts.appointed : texts.dismissed,
    });
};

export const liftHold = (user: User, resource: Resource<User>): Promise<void> =>
    confirmChange(resource, {
        title: texts.liftHold,
        text: texts.liftHoldConfirm(user),
        action: texts.liftHoldAction,
        change: () => call(api.DELETE("/v1/users/{userId}/legal-hold", { params: pathOf(user) })),
        said: texts.holdLifted,
    });

const restoreIn = (user: User, resource: Resource<User>) => {
    // The version keeps a repeated request from lifting a suspension too.
    const params = ofVersion(user, resource);
    return () => call(api.POST("/v1/users/{userId}/restore", { params }));
};

export const liftSuspension = (user: User, resource: Resource<User>): Promise<void> =>
    confirmChange(resource, {
        title: texts.liftSuspension,
        text: texts.liftSuspensionConfirm(user),
        action: texts.liftSuspension,
        change: restoreIn(user, resource),
        said: texts.suspensionLifted,
    });

export const restore = (user: User, resource: Resource<User>): Promise<void> =>
    confirmChange(resource, {
        title: texts.restore,
        text: user.suspendedAt ? texts.restoreSuspendedConfirm(user) : texts.restoreConfirm(user),
        action: texts.restore,
        change: restoreIn(user, resource),
        said: (restored) => (restored.suspendedAt ? texts.restoredSuspended(restored) : texts.restored(restored)),
    });

export const remove = async (user: User, resource: Resource<User>): Promise<void> => {
    const params = ofVersion(user, resource);
    await confirm({
        title: texts.remove,
        text: texts.removeConfirm(user),
        action: texts.remove,
        danger: true,
        run: async () => {
            await inOurWords(call(api.DELETE("/v1/users/{userId}", { params })), resource);
            await resource.reload();
            say(texts.removed(user));
        },
    });
};

export const erase = (user: User, resource: Resource<User>): Promise<void> =>
    confirmChange(resource, {
        title: texts.erase,
        text: texts.eraseConfirm(user),
        action: texts.eraseAction,
        danger: true,
        typed: user.email,
        change: () => call(api.POST("/v1/users/{userId}/erase", { params: pathOf(user) })),
        said: () => texts.erased,
    });

export const exportData = async (user: User): Promise<void> => {
    const { body } = await call(api.GET("/v1/users/{userId}/export", { params: pathOf(user) }));
    download(texts.exportName(user), JSON.stringify(body.data, null, 2), "application/json");
    say(texts.exported(user));
};

export const suspend = async (user: User, resource: Resource<User>): Promise<void> => {
    const answer = await ask<UserAnswer>((answer) => (
        <Because
            title={texts.suspendTitle(user)}
            text={texts.suspendConfirm(user)}
            hint={texts.suspendReasonHint}
            action={texts.suspend}
            send={(reason) => call(api.POST("/v1/users/{userId}/suspend", { params: pathOf(user), body: { reason } }))}
            answer={answer}
        />
    ));
    if (answer) show(answer, resource, texts.suspended);
};

export const hold = async (user: User, resource: Resource<User>): Promise<void> => {
    const answer = await ask<UserAnswer>((answer) => (
        <Because
            title={texts.holdTitle(user)}
            text={texts.holdConfirm(user)}
            hint={texts.holdReasonHint}
            action={texts.holdAction}
            send={(reason) =>
                call(api.POST("/v1/users/{userId}/legal-hold", { params: pathOf(user), body: { reason } }))
            }
            answer={answer}
        />
    ));
    if (answer) show(answer, resource, texts.holdPlaced);
};

export const recover = async (user: User, resource: Resource<User>): Promise<void> => {
    const answer = await ask<UserAnswer>((answer) => <Recover user={user} answer={answer} />);
    if (answer) show(answer, resource, user.suspendedAt ? texts.recoveredSuspended : texts.recovered);
};

const show = (answer: UserAnswer, resource: Resource<User>, said: (user: User) => string) => {
    resource.set(answer);
    say(said(answer.body.data));
};

type BecauseProps = {
    title: string;
    text: string;
    hint: string;
    action: string;
    send: (reason: string) => Promise<UserAnswer>;
    answer: (answer?: UserAnswer) => void;
};

/** Asks for the reason of a change. */
const Because = ({ title, text, hint, action, send, answer }: BecauseProps) => {
    const form = useForm({
        check: (values): Record<string, string> => (values.optional("reason") ? {} : { reason: forms.missing }),
        send: ({ values }) => inOurWords(send(values.text("reason"))),
        done: answer,
    });
    return (
        <Dialog title={title} onClose={answer}>
            <p class="soft">{text}</p>
            <Form form={form}>
                <TextArea form={form} name="reason" label={texts.suspendReason} hint={hint} maxLength={500} required />
                <div class="form-actions">
                    <Cancel form={form} />
                    <Submit form={form}>{action}</Submit>
                </div>
            </Form>
        </Dialog>
    );
};

const Recover = ({ user, answer }: { user: User; answer: (answer?: UserAnswer) => void }) => {
    const form = useForm({
        send: ({ values }) => {
            const email = values.optional("email");
            return inOurWords(
                call(api.POST("/v1/users/{userId}/recover", { params: pathOf(user), body: email ? { email } : {} })),
            );
        },
        done: answer,
        explain: ({ code, explanation }) =>
            code === "email-taken" && explanation ? { field: "email", text: explanation } : null,
    });
    return (
        <Dialog title={texts.recover} onClose={answer}>
            <p class="soft">{texts.recoverConfirm(user)}</p>
            {user.suspendedAt && <p class="soft">{texts.recoverSuspended}</p>}
            <Form form={form}>
                <TextField
                    form={form}
                    name="email"
                    type="email"
                    label={texts.recoverEmail}
                    hint={texts.recoverEmailHint(user.email)}
                />
                <div class="form-actions">
                    <Cancel form={form} />
                    <Submit form={form} look="danger">
                        {texts.recoverAction}
                    </Submit>
                </div>
            </Form>
        </Dialog>
    );
};
