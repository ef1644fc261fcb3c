import { Badge } from "../../components/badge";
import { Initial } from "../../components/organization-switcher";
import { organization as texts } from "../../texts";
import "./organization.css";

type PersonProps = { name: string; email: string; isYou?: boolean };

/** A person in a table. */
export const Person = ({ name, email, isYou }: PersonProps) => (
    <div class="person">
        <Initial name={name} round />
        <span>
            <span class="strong">{name}</span> {isYou && <Badge>{texts.you}</Badge>}
            <span class="person-email">{email}</span>
        </span>
    </div>
);
