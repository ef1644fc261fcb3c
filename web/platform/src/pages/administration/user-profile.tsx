import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import type { Resource } from "../../api/pages";
import { TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { say } from "../../components/toast";
import { administration as texts } from "../../texts";
import type { User } from "./states";

/** The profile of another person. */
export const ProfileForm = ({ user, resource }: { user: User; resource: Resource<User> }) => {
    const form = useForm({
        resource,
        show: ({ name, phone, image }: User) => ({ name, phone: phone ?? "", image: image ?? "" }),
        send: ({ values, etag }) =>
            call(
                api.PATCH("/v1/users/{userId}", {
                    params: { path: { userId: user.id }, header: { "If-Match": etag } },
                    body: {
                        name: values.text("name"),
                        phone: values.optional("phone"),
                        image: values.optional("image"),
                    },
                }),
            ),
        done: (answer) => {
            resource.set(answer);
            say(texts.profileSaved);
        },
    });
    return (
        <section class="card stack" aria-labelledby="profile">
            <h2 id="profile">{texts.profile}</h2>
            <p class="soft">{texts.profileText}</p>
            <Form form={form}>
                <TextField form={form} name="name" label={texts.name} value={user.name} required maxLength={100} />
                <TextField
                    form={form}
                    name="phone"
                    type="tel"
                    label={texts.phone}
                    value={user.phone}
                    hint={texts.phoneHint}
                    pattern="\+[1-9][0-9]{6,14}"
                    patternError={texts.phoneError}
                />
                <TextField
                    form={form}
                    name="image"
                    type="url"
                    label={texts.image}
                    value={user.image}
                    hint={texts.imageHint}
                    pattern="https://.*"
                    patternError={texts.imageError}
                    maxLength={2048}
                />
                <div class="form-actions">
                    <Submit form={form} look={undefined}>
                        {texts.saveProfile}
                    </Submit>
                </div>
            </Form>
        </section>
    );
};
