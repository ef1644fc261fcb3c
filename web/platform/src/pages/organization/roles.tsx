import type { Form } from "../../api/forms";
import type { Role } from "../../api/organizations";
import { Badge } from "../../components/badge";
import { access, organization as texts } from "../../texts";
import { Choices } from "./choices";

/** From the lowest role to the highest. */
export const ROLES: readonly Role[] = ["member", "admin", "owner"];

export const isRole = (value: string | undefined): value is Role => ROLES.some((role) => role === value);

/** Tells whether somebody with the role `own` may give, change and take `role`. */
export const reaches = (own: Role, role: Role): boolean => ROLES.indexOf(role) <= ROLES.indexOf(own);

type RoleFieldProps = { form: Form; own: Role; value: Role; autoFocus?: boolean };

/** Offers the roles up to one's own. */
export const RoleField = ({ form, own, value, autoFocus }: RoleFieldProps) => (
    <Choices
        form={form}
        name="role"
        label={texts.role}
        type="radio"
        choices={ROLES.filter((role) => reaches(own, role)).map((role) => ({
            value: role,
            text: access.roles[role],
            hint: access.roleHints[role],
        }))}
        chosen={[value]}
        autoFocus={autoFocus}
    />
);

export const RoleBadge = ({ role }: { role: Role }) => (
    <div>
        <Badge tone={role === "owner" ? "accent" : undefined}>{access.roles[role]}</Badge>
    </div>
);
