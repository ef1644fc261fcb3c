// What the pages of administrators have in common.

import type { ComponentChildren } from "preact";
import type { Problem } from "../../api/problem";
import { LinkButton } from "../../components/button";
import { Empty } from "../../components/empty";
import { PageHeader } from "../../components/page-header";
import { Tabs } from "../../components/tabs";
import { general, administration as texts } from "../../texts";

type FrameProps = {
    title: string;
    text: string;
    /** What the API answered. Other people see that the page is not for them. */
    problem: Problem | null;
    children: ComponentChildren;
};

const TABS = [
    { href: "/administration/users", text: texts.users },
    { href: "/administration/audit", text: texts.audit },
];

export const Frame = ({ title, text, problem, children }: FrameProps) =>
    isForOthers(problem) ? (
        <ForAdministrators />
    ) : (
        <>
            <PageHeader title={title} text={text} />
            <Tabs label={texts.pages} tabs={TABS} />
            {children}
        </>
    );

export const isForOthers = (problem: Problem | null): boolean => problem?.code === "administrator-needed";

/** Stands in place of a page that the person may not see. */
export const ForAdministrators = () => (
    <>
        <PageHeader title={texts.pages} />
        <Empty icon="lock" title={texts.forAdministrators} text={texts.forAdministratorsText}>
            <LinkButton href="/" icon="home">
                {general.goHome}
            </LinkButton>
        </Empty>
    </>
);
