import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { loadRole, manages, type Role, useRole } from "../../api/organizations";
import { Problem } from "../../api/problem";
import { LinkButton } from "../../components/button";
import { Empty } from "../../components/empty";
import { Failure } from "../../components/failure";
import { SkeletonRows } from "../../components/skeleton";
import { organization as texts } from "../../texts";
import "./organization.css";

type ForRoleProps = {
    organizationId: string;
    /** For owners and administrators: what to say to others. */
    refusal?: string;
    children: (role: Role) => ComponentChildren;
};

/** Shows a part of a page as soon as the role of the signed-in user is known, if that role may see it. */
export const ForRole = ({ organizationId, refusal, children }: ForRoleProps) => {
    const role = useRole(organizationId);
    const [problem, setProblem] = useState<Problem | null>(null);
    const load = () => {
        setProblem(null);
        loadRole(organizationId).catch((error: unknown) => setProblem(Problem.from(error)));
    };
    useEffect(load, [organizationId]);

    if (problem?.code === "second-factor-needed") {
        return (
            <Empty icon="shield" title={texts.factorNeeded} text={texts.factorNeededText}>
                <LinkButton href="/account/sign-in-methods" look="primary">
                    {texts.addFactor}
                </LinkButton>
            </Empty>
        );
    }
    if (problem) return <Failure problem={problem} retry={load} />;
    if (role === undefined) return <SkeletonRows />;
    if (refusal !== undefined && !manages(role)) {
        return (
            <Empty icon="lock" title={texts.notForYou} text={refusal}>
                <LinkButton href={`/organizations/${organizationId}/members`}>{texts.toMembers}</LinkButton>
            </Empty>
        );
    }
    return <>{children(role)}</>;
};
