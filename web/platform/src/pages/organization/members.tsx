import { useLocation } from "preact-iso";
import { api, call } from "../../api/client";
import { manages, type Role, useRole } from "../../api/organizations";
import { type List, useList } from "../../api/pages";
import { profile } from "../../api/session";
import { Badge, Notice } from "../../components/badge";
import { Button, LinkButton } from "../../components/button";
import { Empty } from "../../components/empty";
import { PageHeader } from "../../components/page-header";
import { SkeletonRows } from "../../components/skeleton";
import { Table } from "../../components/table";
import { Time } from "../../components/time";
import { access, organization as texts } from "../../texts";
import { Filter } from "./filter";
import { ForRole } from "./for-role";
import { invite } from "./invite";
import { MemberMenu } from "./member-menu";
import type { Member } from "./people";
import { Person } from "./person";
import { usePersonal } from "./personal";
import { isRole, ROLES, RoleBadge } from "./roles";

const PAGE = 50;

const Members = ({ organizationId }: { organizationId: string }) => {
    const role = useRole(organizationId);
    const isPersonal = usePersonal(organizationId);
    return (
        <>
            <PageHeader title={texts.members} text={texts.membersText}>
                {manages(role) && isPersonal === false && (
                    <>
                        <LinkButton href={`/organizations/${organizationId}/invitations`}>
                            {texts.invitations}
                        </LinkButton>
                        <Button look="primary" icon="add" onClick={() => void invite(organizationId, role)}>
                            {texts.invite}
                        </Button>
                    </>
                )}
            </PageHeader>
            {isPersonal && (
                <Notice>
                    <p>{texts.personalMembers}</p>
                </Notice>
            )}
            <ForRole organizationId={organizationId}>
                {(own) =>
                    isPersonal === undefined ? (
                        <SkeletonRows />
                    ) : (
                        <MemberList organizationId={organizationId} own={own} isPersonal={isPersonal} />
                    )
                }
            </ForRole>
        </>
    );
};

const SECOND_FACTOR = { with: true, without: false } as const;

type ListProps = { organizationId: string; own: Role; isPersonal: boolean };

const MemberList = ({ organizationId, own, isPersonal }: ListProps) => {
    const { path, query, url } = useLocation();
    const role = isRole(query.role) ? query.role : undefined;
    const factor = query.factor === "with" || query.factor === "without" ? query.factor : undefined;
    const secondFactor = factor && manages(own) ? SECOND_FACTOR[factor] : undefined;
    const list = useList(
        ({ cursor }, signal) => {
            const params = { path: { organizationId }, query: { cursor, limit: PAGE, role, secondFactor } };
            return call(api.GET("/v1/organizations/{organizationId}/members", { params, signal }));
        },
        [organizationId, role, secondFactor],
    );
    return (
        <>
            <div class="filters">
                <Filter
                    name="role"
                    label={texts.role}
                    options={[
                        { value: "", text: texts.allRoles },
                        ...ROLES.map((one) => ({ value: one, text: access.roles[one] })),
                    ]}
                />
                {manages(own) && (
                    <Filter
                        name="factor"
                        label={texts.secondFactor}
                        options={[
                            { value: "", text: texts.withAndWithout },
                            { value: "with", text: texts.withFactor },
                            { value: "without", text: texts.withoutFactor },
                        ]}
                    />
                )}
            </div>
            <Table
                list={list}
                caption={texts.members}
                rowKey={({ id }) => id}
                columns={columns(organizationId, own, isPersonal, list)}
                empty={
                    <Empty icon="users" title={texts.noMembers} text={texts.noMembersText}>
                        <LinkButton href={path}>{texts.showAll}</LinkButton>
                    </Empty>
                }
            />
            {list.items.value.length === 1 && url === path && manages(own) && !isPersonal && (
                <Empty icon="users" title={texts.alone} text={texts.aloneText}>
                    <Button icon="add" onClick={() => void invite(organizationId, own)}>
                        {texts.invite}
                    </Button>
                </Empty>
            )}
        </>
    );
};

const columns = (organizationId: string, own: Role, isPersonal: boolean, list: List<Member>) => [
    {
        head: texts.member,
        cell: (member: Member) => (
            <Person name={member.name} email={member.email} isYou={member.id === profile.value?.id} />
        ),
        primary: true,
    },
    { head: texts.role, cell: ({ role }: Member) => <RoleBadge role={role} />, narrow: true },
    ...(manages(own)
        ? [{ head: texts.secondFactor, cell: (member: Member) => <FactorBadge member={member} />, narrow: true }]
        : []),
    { head: texts.joined, cell: ({ createdAt }: Member) => <Time value={createdAt} />, narrow: true },
    // Nobody leaves a personal organization.
    ...(isPersonal
        ? []
        : [
              {
                  head: "",
                  cell: (member: Member) => (
                      <MemberMenu organizationId={organizationId} member={member} own={own} list={list} />
                  ),
                  end: true,
                  narrow: true,
              },
          ]),
];

const FactorBadge = ({ member: { secondFactor } }: { member: Member }) => (
    <div>
        <Badge tone={secondFactor ? "success" : "warning"}>{secondFactor ? texts.hasFactor : texts.lacksFactor}</Badge>
    </div>
);

export default Members;
