import { useComputed, useSignalEffect } from "@preact/signals";
import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { type Resource, useList, useResource } from "../../api/pages";
import { type Profile, profile } from "../../api/session";
import { Button } from "../../components/button";
import { Id } from "../../components/copy";
import { TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { Loaded } from "../../components/loaded";
import { Time } from "../../components/time";
import { say } from "../../components/toast";
import { general, account as texts } from "../../texts";
import { AddressSection } from "./address";
import { AccountPage, Action, Row, Rows, Section } from "./frame";
import { changePassword, mailPasswordLink } from "./password";

const ProfilePage = () => {
    const resource = useResource((signal) => call(api.GET("/v1/auth/me", { signal })), []);
    const methods = useList((_, signal) => call(api.GET("/v1/auth/accounts", { signal })), []);
    // Until the ways to sign in are known, a password is more likely than none.
    const hasPassword = useComputed(
        () => methods.state.value !== "ready" || methods.items.value.some(({ method }) => method === "password"),
    );
    // The frame shows the name and the address too.
    useSignalEffect(() => {
        if (resource.value.value) profile.value = resource.value.value;
    });
    return (
        <AccountPage title={texts.profile} text={texts.profileText}>
            <Loaded resource={resource}>
                {(user) => (
                    <>
                        <You resource={resource} user={user} />
                        <AddressSection user={user} hasPassword={hasPassword} reload={resource.reload} />
                        <Section title={texts.password} text={texts.passwordText}>
                            <Rows>
                                <Row icon="lock" title={hasPassword.value ? texts.passwordSet : texts.noPassword}>
                                    {hasPassword.value ? (
                                        <Button size="small" onClick={() => void changePassword()}>
                                            {texts.changePassword}
                                        </Button>
                                    ) : (
                                        <Action run={mailPasswordLink}>{texts.addPassword}</Action>
                                    )}
                                </Row>
                            </Rows>
                        </Section>
                    </>
                )}
            </Loaded>
        </AccountPage>
    );
};

const You = ({ resource, user }: { resource: Resource<Profile>; user: Profile }) => {
    const form = useForm({
        resource,
        show: ({ name, phone, image }: Profile) => ({ name, phone: phone ?? "", image: image ?? "" }),
        send: ({ values, etag }) =>
            call(
                api.PATCH("/v1/auth/me", {
                    params: { header: { "If-Match": etag } },
                    body: {
                        name: values.text("name"),
                        phone: values.text("phone").replaceAll(/[^+\d]/g, "") || null,
                        image: values.optional("image"),
                    },
                }),
            ),
        done: (answer) => {
            resource.set(answer);
            say(general.saved);
        },
    });
    return (
        <Section title={texts.you} text={texts.youText}>
            <div class="card stack">
                <Form form={form} label={texts.you}>
                    <TextField
                        form={form}
                        name="name"
                        label={texts.name}
                        value={user.name}
                        autoComplete="name"
                        maxLength={100}
                        required
                    />
                    <TextField
                        form={form}
                        name="phone"
                        label={texts.phone}
                        hint={texts.phoneHint}
                        type="tel"
                        value={user.phone}
                        autoComplete="tel"
                    />
                    <TextField
                        form={form}
                        name="image"
                        label={texts.image}
                        hint={texts.imageHint}
                        type="url"
                        value={user.image}
                        maxLength={2048}
                    />
                    <div class="form-actions">
                        <Submit form={form}>{general.save}</Submit>
                    </div>
                </Form>
                <dl class="account-facts">
                    <dt>{texts.since}</dt>
                    <dd>
                        <Time value={user.createdAt} as="day" />
                    </dd>
                    <dt>{texts.userId}</dt>
                    <dd>
                        <Id value={user.id} label={texts.userId} />
                    </dd>
                </dl>
            </div>
        </Section>
    );
};

export default ProfilePage;
