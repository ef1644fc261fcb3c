import { api, call } from "../../api/client";
import { manages, type Organization, type Role, showOrganization } from "../../api/organizations";
import { own } from "../../api/own";
import { type Resource, useResource } from "../../api/pages";
import { Copy } from "../../components/copy";
import { Loaded } from "../../components/loaded";
import { PageHeader } from "../../components/page-header";
import { SkeletonRows } from "../../components/skeleton";
import { Time } from "../../components/time";
import { organization as texts } from "../../texts";
import { Deletion } from "./deletion";
import { ForRole } from "./for-role";
import { ProfileForm, ProfileShown } from "./profile-form";
import { SecondFactor } from "./required-factor";

/** What the parts of this page get. */
export type Part = { resource: Resource<Organization>; organization: Organization; own: Role };

const Settings = ({ organizationId }: { organizationId: string }) => (
    <>
        <PageHeader title={texts.settings} text={texts.settingsText} />
        <ForRole organizationId={organizationId}>
            {(own) => <Parts organizationId={organizationId} own={own} />}
        </ForRole>
    </>
);

const Parts = ({ organizationId, own }: { organizationId: string; own: Role }) => {
    const resource = useResource(
        async (signal) => {
            const path = { organizationId };
            const answer = await call(api.GET("/v1/organizations/{organizationId}", { params: { path }, signal }));
            showOrganization(answer.body.data);
            return answer;
        },
        [organizationId],
    );
    return (
        <Loaded resource={resource} skeleton={<SkeletonRows />}>
            {(organization) => (
                <>
                    <section class="card stack" aria-labelledby="profile">
                        <h2 id="profile">{texts.profile}</h2>
                        {manages(own) ? (
                            <ProfileForm resource={resource} organization={organization} own={own} />
                        ) : (
                            <ProfileShown organization={organization} />
                        )}
                    </section>
                    <Facts organization={organization} />
                    {!organization.personal && (
                        <SecondFactor resource={resource} organization={organization} own={own} />
                    )}
                    <Deletion resource={resource} organization={organization} own={own} />
                </>
            )}
        </Loaded>
    );
};

const Facts = ({ organization: { id, plan, createdAt } }: { organization: Organization }) => (
    <section class="card stack" aria-labelledby="facts">
        <h2 id="facts">{texts.facts}</h2>
        <dl class="facts">
            <dt>{texts.id}</dt>
            <dd>
                <Copy value={id} label={texts.id} />
            </dd>
            <dt>{texts.plan}</dt>
            <dd>{own(texts.plans, plan) ?? plan}</dd>
            <dt>{texts.created}</dt>
            <dd>
                <Time value={createdAt} as="day" />
            </dd>
        </dl>
    </section>
);

export default Settings;
