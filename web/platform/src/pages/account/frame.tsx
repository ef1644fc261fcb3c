// What the pages of an account have in common.

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { Button, type Look } from "../../components/button";
import { Icon, type IconName } from "../../components/icon";
import { PageHeader } from "../../components/page-header";
import { sayFailure } from "../../components/say-failure";
import { Tabs } from "../../components/tabs";
import { account as texts } from "../../texts";
import "./account.css";

const TABS = [
    { href: "/account/profile", text: texts.profile },
    { href: "/account/sign-in-methods", text: texts.signInMethods },
    { href: "/account/sessions", text: texts.sessions },
    { href: "/account/data", text: texts.data },
    { href: "/account/activity", text: texts.activity },
];

type PageProps = { title: string; text: string; actions?: ComponentChildren; children: ComponentChildren };

export const AccountPage = ({ title, text, actions, children }: PageProps) => (
    <>
        <Tabs label={texts.pages} tabs={TABS} />
        <PageHeader title={title} text={text}>
            {actions}
        </PageHeader>
        {children}
    </>
);

type SectionProps = { title: string; text: ComponentChildren; children: ComponentChildren };

/** A part of a page: what it is about, and beside it a card. */
export const Section = ({ title, text, children }: SectionProps) => {
    const id = useId();
    return (
        <section class="account-section" aria-labelledby={id}>
            <div class="account-about">
                <h2 id={id}>{title}</h2>
                <p class="soft">{text}</p>
            </div>
            <div class="stack">{children}</div>
        </section>
    );
};

export const Rows = ({ children }: { children: ComponentChildren }) => <ul class="card account-rows">{children}</ul>;

type RowProps = {
    icon: IconName;
    title: ComponentChildren;
    text?: ComponentChildren;
    /** The buttons. */
    children?: ComponentChildren;
};

/** One thing of an account, and what can be done with it. */
export const Row = ({ icon, title, text, children }: RowProps) => (
    <li class="account-row">
        <span class="account-icon">
            <Icon name={icon} />
        </span>
        <div class="account-row-inside">
            <div class="account-row-text">
                <div class="row strong">{title}</div>
                {text && <p class="soft small">{text}</p>}
            </div>
            {children && <div class="row">{children}</div>}
        </div>
    </li>
);

type ActionProps = Look & { run: () => Promise<unknown>; children: ComponentChildren };

/** A button that does something at once. */
export const Action = ({ run, children, ...look }: ActionProps) => {
    const [isBusy, setBusy] = useState(false);
    const press = async () => {
        setBusy(true);
        try {
            await run();
        } catch (error) {
            sayFailure(error);
        } finally {
            setBusy(false);
        }
    };
    return (
        <Button size="small" {...look} busy={isBusy} onClick={() => void press()}>
            {children}
        </Button>
    );
};
