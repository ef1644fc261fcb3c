import type { components } from "../../api/schema";
import { Badge } from "../../components/badge";
import { administration as texts } from "../../texts";

export type User = components["schemas"]["User"];

/** The states of an account: several can be true at once. */
export const States = ({ user }: { user: User }) => {
    const isActive = !user.suspendedAt && !user.deletedAt && !user.erasedAt;
    return (
        <span class="states">
            {isActive && <Badge tone="success">{texts.statuses.active}</Badge>}
            {user.suspendedAt && <Badge tone="warning">{texts.statuses.suspended}</Badge>}
            {user.erasedAt ? <Badge>{texts.statuses.erased}</Badge> : user.deletedAt && <Deleted />}
            {user.legalHoldAt && <Badge tone="accent">{texts.held}</Badge>}
            {user.emailDelivery.status === "stopped" && <Badge tone="warning">{texts.mailStopped}</Badge>}
            {!user.emailVerified && !user.erasedAt && <Badge>{texts.notVerified}</Badge>}
            {user.systemAdministrator && <Badge tone="accent">{texts.administrator}</Badge>}
        </span>
    );
};

const Deleted = () => <Badge tone="danger">{texts.statuses.deleted}</Badge>;
