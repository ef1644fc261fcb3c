// A page that a mailed link leads to. Scanners of mail open links, so only its button uses the link up.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Form as FormState, useForm, type Values } from "../../api/forms";
import { own } from "../../api/own";
import { LinkButton } from "../../components/button";
import { Form, Submit } from "../../components/form";
import { PageHeader } from "../../components/page-header";
import { signIn as texts } from "../../texts";
import { forgetLinkToken, linkToken } from "./link-token";

type Next = { title: string; text: string; href: string; link: string };

type MailedLinkProps<R> = {
    title: string;
    text: ComponentChildren;
    /** A verb. */
    button: string;
    danger?: boolean;
    send: (token: string, values: Values) => Promise<R>;
    /** What stands here afterwards; or what else happens. */
    done: Next | ((result: R) => void);
    /** Where to go if the link does not work any more. */
    again?: { href: string; link: string };
    /** Words for problems, by their code. */
    problems?: Readonly<Record<string, string>>;
    fields?: (form: FormState) => ComponentChildren;
    /** Below the button. */
    children?: ComponentChildren;
};

export const MailedLink = <R,>(props: MailedLinkProps<R>) => {
    const [token] = useState(linkToken);
    const [next, setNext] = useState<Next | null>(null);
    if (!token) return <PageHeader title={texts.linkMissing} text={texts.linkMissingText} />;
    if (next === null) return <Question key="question" {...props} token={token} show={setNext} />;
    return (
        <>
            <PageHeader key="next" title={next.title} text={next.text} />
            <LinkButton href={next.href} look="primary" wide>
                {next.link}
            </LinkButton>
        </>
    );
};

/** Leads to the page that ends the link, because the mail was for somebody else. */
export const NotMe = () => (
    <p class="sign-in-end">
        <a href={`/reject-link?${new URLSearchParams({ token: linkToken() ?? "" })}`}>{texts.notMe}</a>
    </p>
);

const BACK = { href: "/sign-in", link: texts.backToSignIn };

type QuestionProps<R> = MailedLinkProps<R> & { token: string; show: (next: Next) => void };

const Question = <R,>({ token, show, ...props }: QuestionProps<R>) => {
    const { title, text, button, danger, send, done, again, problems, fields, children } = props;
    const form = useForm({
        send: ({ values }) => send(token, values),
        done: (result) => {
            forgetLinkToken();
            return typeof done === "function" ? done(result) : show(done);
        },
        explain: ({ code }) => {
            if (code === "invalid-token") {
                forgetLinkToken();
                show({ title: texts.linkUsed, text: texts.linkUsedText, ...(again ?? BACK) });
            }
            const text = problems && own(problems, code);
            return text === undefined ? null : { text };
        },
    });
    return (
        <>
            <PageHeader title={title} text={text} />
            <Form form={form} label={title}>
                {fields?.(form)}
                <Submit form={form} look={danger ? "danger" : "primary"} wide>
                    {button}
                </Submit>
            </Form>
            {children}
        </>
    );
};
