import { useRef } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, call } from "../../api/client";
import { manages, type Role, useRole } from "../../api/organizations";
import { type List, useList } from "../../api/pages";
import type { components } from "../../api/schema";
import { Badge } from "../../components/badge";
import { Button, LinkButton } from "../../components/button";
import { confirm } from "../../components/confirm";
import { Empty } from "../../components/empty";
import { Menu, MenuItem } from "../../components/menu";
import { PageHeader } from "../../components/page-header";
import { SkeletonRows } from "../../components/skeleton";
import { Table } from "../../components/table";
import { Time } from "../../components/time";
import { say } from "../../components/toast";
import { organization as texts } from "../../texts";
import { Filter } from "./filter";
import { ForRole } from "./for-role";
import { type Invitation, invite, mailInvitation } from "./invite";
import { peopleOf } from "./people";
import { usePersonal } from "./personal";
import { RoleBadge, reaches } from "./roles";

type Status = components["schemas"]["Status"];
type Current = { current: List<Invitation> | null };

const PAGE = 50;
const STATUSES: readonly Status[] = ["pending", "accepted", "declined", "revoked", "expired"];
const TONES = {
    pending: "accent",
    accepted: "success",
    declined: "warning",
    revoked: undefined,
    expired: undefined,
} as const;

const Invitations = ({ organizationId }: { organizationId: string }) => {
    const role = useRole(organizationId);
    const isPersonal = usePersonal(organizationId);
    const current: Current = useRef(null);
    const inviteOne = async (own: Role) => {
        if (await invite(organizationId, own)) await current.current?.reload();
    };
    return (
        <>
            <PageHeader title={texts.invitations} text={texts.invitationsText}>
                {manages(role) && isPersonal === false && (
                    <Button look="primary" icon="add" onClick={() => void inviteOne(role)}>
                        {texts.invite}
                    </Button>
                )}
            </PageHeader>
            <ForRole organizationId={organizationId} refusal={texts.invitationsRefused}>
                {(own) => {
                    if (isPersonal === undefined) return <SkeletonRows />;
                    return isPersonal ? (
                        <Empty icon="user" title={texts.personalInvitations} text={texts.personalMembers}>
                            <LinkButton href="/?new">{texts.newOrganization}</LinkButton>
                        </Empty>
                    ) : (
                        <InvitationList
                            organizationId={organizationId}
                            own={own}
                            current={current}
                            inviteOne={() => void inviteOne(own)}
                        />
                    );
                }}
            </ForRole>
        </>
    );
};

type ListProps = { organizationId: string; own: Role; current: Current; inviteOne: () => void };

const InvitationList = ({ organizationId, own, current, inviteOne }: ListProps) => {
    const { path, query } = useLocation();
    const status = STATUSES.find((one) => one === query.status);
    const list = useList(
        ({ cursor }, signal) => {
            const filter = { cursor, limit: PAGE, status, sort: "-createdAt" as const };
            const params = { path: { organizationId }, query: filter };
            return call(api.GET("/v1/organizations/{organizationId}/invitations", { params, signal }));
        },
        [organizationId, status],
    );
    current.current = list;
    const { nameOf } = peopleOf(organizationId);
    return (
        <>
            <div class="filters">
                <Filter
                    name="status"
                    label={texts.status}
                    options={[
                        { value: "", text: texts.allStatuses },
                        ...STATUSES.map((one) => ({ value: one, text: texts.statuses[one] })),
                    ]}
                />
            </div>
            <Table
                list={list}
                caption={texts.invitations}
                rowKey={({ id }) => id}
                columns={[
                    { head: texts.email, cell: ({ email }) => email, primary: true },
                    { head: texts.role, cell: ({ role }) => <RoleBadge role={role} />, narrow: true },
                    {
                        head: texts.status,
                        cell: ({ status: one }) => (
                            <div>
                                <Badge tone={TONES[one]}>{texts.statuses[one]}</Badge>
                            </div>
                        ),
                        narrow: true,
                    },
                    {
                        head: texts.invitedBy,
                        cell: ({ invitedBy }) => (invitedBy ? nameOf(invitedBy) : texts.anApiKey),
                    },
                    { head: texts.sent, cell: (invitation) => <Sent invitation={invitation} />, narrow: true },
                    {
                        head: "",
                        cell: (invitation) => (
                            <InvitationMenu
                                organizationId={organizationId}
                                invitation={invitation}
                                own={own}
                                list={list}
                            />
                        ),
                        end: true,
                        narrow: true,
                    },
                ]}
                empty={
                    status === undefined ? (
                        <Empty icon="mail" title={texts.noInvitations} text={texts.noInvitationsText}>
                            <Button look="primary" icon="add" onClick={inviteOne}>
                                {texts.invite}
                            </Button>
                        </Empty>
                    ) : (
                        <Empty icon="mail" title={texts.noMatches} text={texts.noMatchesText}>
                            <LinkButton href={path}>{texts.showAll}</LinkButton>
                        </Empty>
                    )
                }
            />
        </>
    );
};

const Sent = ({ invitation: { status, createdAt, expiresAt } }: { invitation: Invitation }) => (
    <div>
        <Time value={createdAt} />
        {status === "pending" && (
            <span class="below">
                {texts.ends} <Time value={expiresAt} />
            </span>
        )}
    </div>
);

type MenuProps = { organizationId: string; invitation: Invitation; own: Role; list: List<Invitation> };

const InvitationMenu = ({ organizationId, invitation, own, list }: MenuProps) => {
    const { email, role, status } = invitation;
    if (status === "accepted" || !reaches(own, role)) return null;
    return (
        <Menu label={texts.menuOf(email)}>
            <MenuItem icon="mail" onClick={() => void sendAgain(organizationId, invitation, list)}>
                {status === "pending" ? texts.sendAgain : texts.inviteAgain}
            </MenuItem>
            {status === "pending" && (
                <MenuItem icon="trash" danger onClick={() => void revoke(organizationId, invitation, list)}>
                    {texts.revoke}
                </MenuItem>
            )}
        </Menu>
    );
};

const end = (organizationId: string, invitationId: string) => {
    const params = { path: { organizationId, invitationId } };
    return call(api.DELETE("/v1/organizations/{organizationId}/invitations/{invitationId}", { params }));
};

const revoke = async (organizationId: string, { id, email }: Invitation, list: List<Invitation>) => {
    const isRevoked = await confirm({
        title: texts.revokeInvitation,
        text: texts.revokeInvitationText(email),
        action: texts.revoke,
        danger: true,
        run: () => end(organizationId, id),
    });
    if (!isRevoked) return;
    say(texts.invitationRevoked(email));
    await list.reload();
};

/** Mails another invitation. An open one is revoked first, because an address has only one. */
const sendAgain = async (organizationId: string, invitation: Invitation, list: List<Invitation>) => {
    const { id, email, role } = invitation;
    const key = crypto.randomUUID();
    let isOpen = invitation.status === "pending";
    const isSent = await confirm({
        title: isOpen ? texts.sendAgain : texts.inviteAgain,
        text: isOpen ? texts.sendAgainText(email) : texts.inviteAgainText(email),
        action: texts.sendInvitation,
        run: async () => {
            if (isOpen) await end(organizationId, id);
            isOpen = false;
            await mailInvitation(organizationId, email, role, key);
        },
    });
    if (isSent) say(texts.invited(email));
    await list.reload();
};

export default Invitations;
