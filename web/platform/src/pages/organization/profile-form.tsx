import { api, call } from "../../api/client";
import { useForm, type Values } from "../../api/forms";
import { type Organization, showOrganization } from "../../api/organizations";
import type { components } from "../../api/schema";
import { TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { say } from "../../components/toast";
import { general, organization as texts } from "../../texts";
import type { Part } from "./settings";

type Changes = components["schemas"]["OrganizationChanges"];

/** Returns what differs, so that the audit log names nothing else. */
const changesOf = (values: Values, { name, slug, logo, billingEmail }: Organization): Changes => {
    const now = {
        name: values.text("name"),
        slug: values.text("slug"),
        logo: values.optional("logo"),
        billingEmail: values.optional("billingEmail"),
    };
    return {
        ...(now.name !== name && { name: now.name }),
        ...(now.slug !== slug && { slug: now.slug }),
        ...(now.logo !== (logo ?? null) && { logo: now.logo }),
        ...(now.billingEmail !== (billingEmail ?? null) && { billingEmail: now.billingEmail }),
    };
};

/** The form of those who may change the organization. */
export const ProfileForm = ({ resource, organization }: Part) => {
    const form = useForm({
        resource,
        show: ({ name, slug, logo, billingEmail }: Organization) => ({
            name,
            slug,
            logo: logo ?? "",
            billingEmail: billingEmail ?? "",
        }),
        send: ({ values, etag }) => {
            const params = { path: { organizationId: organization.id }, header: { "If-Match": etag } };
            const body = changesOf(values, resource.value.value ?? organization);
            return call(api.PATCH("/v1/organizations/{organizationId}", { params, body }));
        },
        done: (answer) => {
            resource.set(answer);
            showOrganization(answer.body.data);
            say(general.saved);
        },
        explain: ({ code }) => (code === "slug-taken" ? { field: "slug", text: texts.slugTaken } : null),
    });
    const { name, slug, logo, billingEmail } = organization;
    return (
        <Form form={form} label={texts.profile}>
            <TextField form={form} name="name" label={texts.name} value={name} maxLength={100} required />
            <TextField
                form={form}
                name="slug"
                label={texts.slug}
                hint={texts.slugHint}
                value={slug}
                maxLength={63}
                pattern="[a-z0-9]([a-z0-9\-]*[a-z0-9])?"
                patternError={texts.slugError}
                required
            />
            <TextField
                form={form}
                name="logo"
                label={texts.logo}
                hint={texts.logoHint}
                type="url"
                value={logo}
                maxLength={2048}
            />
            <TextField
                form={form}
                name="billingEmail"
                label={texts.billingEmail}
                hint={texts.billingEmailHint}
                type="email"
                value={billingEmail}
                maxLength={254}
            />
            <div class="form-actions">
                <Submit form={form}>{general.save}</Submit>
            </div>
        </Form>
    );
};

/** What others see. */
export const ProfileShown = ({ organization: { name, slug, logo, billingEmail } }: { organization: Organization }) => (
    <>
        <p class="soft">{texts.profileRefused}</p>
        <dl class="facts">
            <dt>{texts.name}</dt>
            <dd>{name}</dd>
            <dt>{texts.slug}</dt>
            <dd>{slug}</dd>
            <dt>{texts.logo}</dt>
            <dd class="mono">{logo ?? texts.nothing}</dd>
            <dt>{texts.billingEmail}</dt>
            <dd>{billingEmail ?? texts.nothing}</dd>
        </dl>
    </>
);
