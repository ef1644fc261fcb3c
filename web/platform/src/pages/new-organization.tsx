import { api, call } from "../api/client";
import { useForm } from "../api/forms";
import type { Organization } from "../api/organizations";
import { TextField } from "../components/field";
import { Cancel, Form, Submit } from "../components/form";
import { home as texts } from "../texts";

/** The form in a dialog that creates an organization. */
export const NewOrganization = ({ done }: { done: (organization: Organization) => void }) => {
    const form = useForm({
        send: ({ values, key }) => {
            const body = { name: values.text("name"), slug: values.optional("slug") };
            return call(api.POST("/v1/organizations", { params: { header: { "Idempotency-Key": key } }, body }));
        },
        done: ({ body }) => done(body.data),
        explain: ({ code }) => (code === "slug-taken" ? { field: "slug", text: texts.slugTaken } : null),
    });
    return (
        <Form form={form} label={texts.create}>
            <p class="soft">{texts.createText}</p>
            <TextField form={form} name="name" label={texts.name} hint={texts.nameHint} maxLength={100} required />
            <TextField
                form={form}
                name="slug"
                label={texts.slug}
                hint={texts.slugHint}
                maxLength={63}
                pattern="[a-z0-9]([a-z0-9\-]*[a-z0-9])?"
                patternError={texts.slugError}
            />
            <div class="form-actions">
                <Cancel form={form} />
                <Submit form={form}>{texts.create}</Submit>
            </div>
        </Form>
    );
};
