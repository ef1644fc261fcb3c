import type { ComponentChildren } from "preact";
import { api, call } from "../../api/client";
import { type Resource, useResource } from "../../api/pages";
import { profile } from "../../api/session";
import { withFilter } from "../../components/audit-filters";
import { Notice } from "../../components/badge";
import { LinkButton } from "../../components/button";
import { Loaded } from "../../components/loaded";
import { PageHeader } from "../../components/page-header";
import { Time } from "../../components/time";
import { administration as texts } from "../../texts";
import "./administration.css";
import { ForAdministrators, isForOthers } from "./frame";
import { States, type User } from "./states";
import { Actions } from "./user-actions";
import { ProfileForm } from "./user-profile";

const Page = ({ userId }: { userId: string }) => {
    const resource = useResource(
        (signal) => call(api.GET("/v1/users/{userId}", { params: { path: { userId } }, signal })),
        [userId],
    );
    if (isForOthers(resource.problem.value)) return <ForAdministrators />;
    const user = resource.value.value;
    return (
        <>
            <PageHeader
                title={user?.name ?? texts.user}
                text={user && <States user={user} />}
                back={{ href: "/administration/users", text: texts.users }}
            />
            <Loaded resource={resource}>{(user) => <Account key={user.id} user={user} resource={resource} />}</Loaded>
        </>
    );
};

const Account = ({ user, resource }: { user: User; resource: Resource<User> }) => {
    const isSelf = user.id === profile.value?.id;
    return (
        <>
            <Notices user={user} isSelf={isSelf} />
            <div class="user">
                <section class="card stack" aria-labelledby="account">
                    <h2 id="account">{texts.account}</h2>
                    <Facts user={user} />
                    <Events user={user} />
                </section>
                {!user.deletedAt && !user.erasedAt && <ProfileForm user={user} resource={resource} />}
            </div>
            {!user.erasedAt && <Actions user={user} resource={resource} isSelf={isSelf} />}
        </>
    );
};

const Notices = ({ user, isSelf }: { user: User; isSelf: boolean }) => {
    const { reason } = user.emailDelivery;
    if (user.erasedAt)
        return (
            <Notice>
                <p>{texts.erasedNotice}</p>
            </Notice>
        );
    return (
        <>
            {isSelf && (
                <Notice>
                    <p>
                        {texts.ownNotice} <a href="/account/profile">{texts.ownAccount}</a>
                    </p>
                </Notice>
            )}
            {user.deletedAt && (
                <Notice tone="warning">
                    <p>{texts.deletedNotice}</p>
                </Notice>
            )}
            {user.suspendedAt && (
                <Notice tone="warning">
                    <p>{texts.suspendedNotice}</p>
                    {user.suspendedReason && <p class="soft">{texts.reason(user.suspendedReason)}</p>}
                </Notice>
            )}
            {user.legalHoldAt && (
                <Notice>
                    <p>{texts.heldNotice}</p>
                    {user.legalHoldReason && <p class="soft">{texts.reason(user.legalHoldReason)}</p>}
                </Notice>
            )}
            {reason && (
                <Notice tone="warning">
                    <p>
                        {texts.mailNotice[reason]} {texts.mailNoticeText}
                    </p>
                </Notice>
            )}
        </>
    );
};

const Facts = ({ user }: { user: User }) => (
    <dl class="facts">
        <Fact name={texts.email}>
            {user.email}{" "}
            {!user.erasedAt && <span class="soft">({user.emailVerified ? texts.confirmed : texts.notConfirmed})</span>}
        </Fact>
        <Fact name={texts.secondFactor}>
            {user.secondFactorAt ? <Since value={user.secondFactorAt} /> : texts.noSecondFactor}
        </Fact>
        <Moment name={texts.created} value={user.createdAt} />
        <Moment name={texts.changed} value={user.updatedAt} />
        <Moment name={texts.statuses.suspended} value={user.suspendedAt} />
        <Moment name={texts.held} value={user.legalHoldAt} />
        <Moment name={texts.mailStopped} value={user.emailDelivery.since} />
        <Moment name={texts.statuses.deleted} value={user.deletedAt} />
        <Moment name={texts.statuses.erased} value={user.erasedAt} />
        <Fact name={texts.id}>
            <code>{user.id}</code>
        </Fact>
    </dl>
);

const Fact = ({ name, children }: { name: string; children: ComponentChildren }) => (
    <div>
        <dt>{name}</dt>
        <dd>{children}</dd>
    </div>
);

const Moment = ({ name, value }: { name: string; value: string | null | undefined }) =>
    value ? (
        <Fact name={name}>
            <Time value={value} as="exact" />
        </Fact>
    ) : null;

const Since = ({ value }: { value: string }) => (
    <>
        {texts.since} <Time value={value} as="day" />
    </>
);

const Events = ({ user }: { user: User }) => (
    <div class="row">
        <LinkButton size="small" icon="audit" href={withFilter("/administration/audit", { targetId: user.id })}>
            {texts.toThem}
        </LinkButton>
        <LinkButton size="small" icon="audit" href={withFilter("/administration/audit", { actorId: user.id })}>
            {texts.byThem}
        </LinkButton>
    </div>
);

export default Page;
