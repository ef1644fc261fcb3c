import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import type { Label } from "../../api/labels";
import { type Resource, useResource } from "../../api/pages";
import { ask, Dialog } from "../../components/dialog";
import { TextArea, TextField } from "../../components/field";
import { Cancel, Form, Submit } from "../../components/form";
import { Loaded } from "../../components/loaded";
import { say } from "../../components/toast";
import { general, artifacts as texts } from "../../texts";
import { checkLabels, idsOf, LABELS, LabelChoice } from "./labels";
import type { Artifact } from "./uploads";

type EditProps = { organizationId: string; artifactId: string; labels: Resource<Label[]> };

/** Opens the form for name, description and labels. Returns the changed artifact. */
export const edit = (props: EditProps): Promise<Artifact | undefined> =>
    ask<Artifact>((answer) => (
        <Dialog title={texts.editTitle} onClose={answer}>
            <Edit {...props} answer={answer} />
        </Dialog>
    ));

const Edit = ({ organizationId, artifactId, labels, answer }: EditProps & { answer: (changed?: Artifact) => void }) => {
    const path = { organizationId, artifactId };
    const resource = useResource(
        (signal) =>
            call(api.GET("/v1/organizations/{organizationId}/artifacts/{artifactId}", { params: { path }, signal })),
        [organizationId, artifactId],
    );
    const namesOf = (ids: readonly string[]) =>
        (labels.value.value ?? []).filter(({ id }) => ids.includes(id)).map(({ name }) => name);
    const form = useForm({
        resource,
        show: (artifact: Artifact) => ({
            name: artifact.name,
            description: artifact.description ?? "",
            [LABELS]: namesOf(artifact.labels).join(", "),
        }),
        check: (values) => checkLabels(values.all(LABELS)),
        send: ({ values, etag }) =>
            call(
                api.PATCH("/v1/organizations/{organizationId}/artifacts/{artifactId}", {
                    params: { path, header: { "If-Match": etag } },
                    body: {
                        name: values.text("name"),
                        description: values.optional("description"),
                        labels: idsOf(values.all(LABELS), labels, resource.value.peek()?.labels),
                    },
                }),
            ),
        done: ({ body }) => {
            say(general.saved);
            answer(body.data);
        },
    });
    return (
        <Loaded resource={resource}>
            {(artifact) => (
                <Form form={form}>
                    <TextField
                        form={form}
                        name="name"
                        label={texts.name}
                        value={artifact.name}
                        hint={texts.nameHint}
                        required
                        maxLength={255}
                    />
                    <TextArea
                        form={form}
                        name="description"
                        label={texts.description}
                        value={artifact.description ?? ""}
                        rows={3}
                        maxLength={2_000}
                    />
                    <LabelChoice form={form} organizationId={organizationId} labels={labels} chosen={artifact.labels} />
                    <div class="form-actions">
                        <Cancel form={form} />
                        <Submit form={form}>{general.save}</Submit>
                    </div>
                </Form>
            )}
        </Loaded>
    );
};
