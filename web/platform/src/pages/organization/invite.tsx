import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import type { Role } from "../../api/organizations";
import type { components } from "../../api/schema";
import { ask, Dialog } from "../../components/dialog";
import { TextField } from "../../components/field";
import { Cancel, Form, Submit } from "../../components/form";
import { say } from "../../components/toast";
import { organization as texts } from "../../texts";
import { isRole, RoleField } from "./roles";

export type Invitation = components["schemas"]["Invitation"];

/** Asks for the person to invite. Returns the invitation after it was mailed. */
export const invite = async (organizationId: string, own: Role): Promise<Invitation | undefined> => {
    const invitation = await ask<Invitation>((answer) => (
        <Dialog title={texts.invite} onClose={answer}>
            <InviteForm organizationId={organizationId} own={own} answer={answer} />
        </Dialog>
    ));
    if (invitation) say(texts.invited(invitation.email));
    return invitation;
};

/** Mails an invitation. */
export const mailInvitation = (organizationId: string, email: string, role: Role, key: string) => {
    const params = { path: { organizationId }, header: { "Idempotency-Key": key } };
    return call(api.POST("/v1/organizations/{organizationId}/invitations", { params, body: { email, role } }));
};

type InviteFormProps = { organizationId: string; own: Role; answer: (invitation?: Invitation) => void };

const InviteForm = ({ organizationId, own, answer }: InviteFormProps) => {
    const form = useForm({
        send: ({ values, key }) => {
            const role = values.text("role");
            return mailInvitation(organizationId, values.text("email"), isRole(role) ? role : "member", key);
        },
        done: ({ body }) => answer(body.data),
        explain: ({ code }) => {
            if (code === "already-invited") return { field: "email", text: texts.alreadyInvited };
            if (code === "already-member") return { field: "email", text: texts.alreadyMember };
            return code === "too-many-attempts" ? { text: texts.tooManyInvitations } : null;
        },
    });
    return (
        <Form form={form} label={texts.invite}>
            <p class="soft">{texts.inviteText}</p>
            <TextField form={form} name="email" label={texts.email} type="email" maxLength={254} required />
            <RoleField form={form} own={own} value="member" />
            <div class="form-actions">
                <Cancel form={form} />
                <Submit form={form} icon="mail">
                    {texts.sendInvitation}
                </Submit>
            </div>
        </Form>
    );
};
