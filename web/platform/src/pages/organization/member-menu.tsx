import { type Answer, api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { loadOrganizations, manages, type Role, showRole } from "../../api/organizations";
import { type List, useResource } from "../../api/pages";
import { Problem } from "../../api/problem";
import { profile } from "../../api/session";
import { confirm } from "../../components/confirm";
import { ask, Dialog } from "../../components/dialog";
import { focusHeading } from "../../components/focus-heading";
import { Cancel, Form, Submit } from "../../components/form";
import { Loaded } from "../../components/loaded";
import { Menu, MenuItem } from "../../components/menu";
import { sayFailure } from "../../components/say-failure";
import { say } from "../../components/toast";
import { navigate } from "../../navigation";
import { access, general, organization as texts } from "../../texts";
import type { Member } from "./people";
import { isRole, ROLES, RoleField, reaches } from "./roles";

const PATH = "/v1/organizations/{organizationId}/members/{memberId}";

type MemberMenuProps = { organizationId: string; member: Member; own: Role; list: List<Member> };

/** What one may do with a member: nothing with those above oneself. */
export const MemberMenu = ({ organizationId, member, own, list }: MemberMenuProps) => {
    const isYou = member.id === profile.value?.id;
    const mayManage = manages(own) && reaches(own, member.role);
    if (!mayManage && !isYou) return null;
    return (
        <Menu label={texts.menuOf(member.name)}>
            {mayManage && (
                <MenuItem icon="edit" onClick={() => void changeRole(organizationId, member, own, list)}>
                    {texts.changeRole}
                </MenuItem>
            )}
            {isYou ? (
                <MenuItem icon="signOut" danger onClick={() => void leave(organizationId, member)}>
                    {texts.leave}
                </MenuItem>
            ) : (
                <MenuItem icon="trash" danger onClick={() => void remove(organizationId, member, list)}>
                    {texts.removeMember}
                </MenuItem>
            )}
        </Menu>
    );
};

const show = (list: List<Member>, changed: Member) => {
    list.items.value = list.items.value.map((one) => (one.id === changed.id ? changed : one));
};

const changeRole = async (organizationId: string, member: Member, own: Role, list: List<Member>) => {
    const changed = await ask<Member>((answer) => (
        <Dialog title={texts.changeRoleOf(member.name)} onClose={answer}>
            <RoleDialog organizationId={organizationId} memberId={member.id} own={own} answer={answer} />
        </Dialog>
    ));
    if (changed === undefined) return;
    show(list, changed);
    if (changed.id === profile.value?.id) showRole(organizationId, changed.role);
    say(texts.roleChanged(changed.name, access.roles[changed.role]));
};

type RoleDialogProps = {
    organizationId: string;
    memberId: string;
    own: Role;
    answer: (member?: Member) => void;
};

const RoleDialog = ({ organizationId, memberId, own, answer }: RoleDialogProps) => {
    const path = { organizationId, memberId };
    const resource = useResource(
        (signal) => call(api.GET(PATH, { params: { path }, signal })),
        [organizationId, memberId],
    );
    const form = useForm({
        resource,
        show: ({ role }: Member) => ({ role }),
        send: ({ values, etag }) => {
            const role = values.text("role");
            const params = { path, header: { "If-Match": etag } };
            return call(api.PATCH(PATH, { params, body: { role: isRole(role) ? role : "member" } }));
        },
        done: ({ body }) => answer(body.data),
    });
    return (
        <Loaded resource={resource}>
            {(member) => (
                <Form form={form} label={texts.role}>
                    <RoleField form={form} own={own} value={member.role} autoFocus />
                    <div class="form-actions">
                        <Cancel form={form} />
                        <Submit form={form}>{general.save}</Submit>
                    </div>
                </Form>
            )}
        </Loaded>
    );
};

/** Loads a member as it is now. Says what is wrong if that fails. */
const load = async (organizationId: string, memberId: string): Promise<Answer<{ data: Member }> | null> => {
    try {
        return await call(api.GET(PATH, { params: { path: { organizationId, memberId } } }));
    } catch (error) {
        sayFailure(error);
        return null;
    }
};

const end = (organizationId: string, memberId: string, etag: string | null) => {
    const params = { path: { organizationId, memberId }, header: { "If-Match": etag ?? undefined } };
    return call(api.DELETE(PATH, { params }));
};

const remove = async (organizationId: string, { id }: Member, list: List<Member>) => {
    const answer = await load(organizationId, id);
    if (answer === null) return list.reload();
    const { data: member } = answer.body;
    show(list, member);
    const isGone = await confirm({
        title: texts.removeMemberOf(member.name),
        text: texts.removeMemberText(access.roles[member.role]),
        action: texts.removeMember,
        danger: true,
        run: async () => {
            try {
                await end(organizationId, id, answer.etag);
            } catch (error) {
                const problem = Problem.from(error);
                if (problem.code === "stale") problem.explanation = texts.memberChanged;
                throw problem;
            }
        },
    });
    if (!isGone) return;
    list.items.value = list.items.value.filter((one) => one.id !== id);
    say(texts.memberRemoved(member.name));
    focusHeading();
};

const leave = async (organizationId: string, { id, role }: Member) => {
    const isGone = await confirm({
        title: texts.leaveTitle,
        text: role === ROLES.at(-1) ? texts.leaveTextOfOwner : texts.leaveText,
        action: texts.leave,
        danger: true,
        run: () => end(organizationId, id, null),
    });
    if (!isGone) return;
    say(texts.leftOrganization);
    navigate("/");
    await loadOrganizations();
};
