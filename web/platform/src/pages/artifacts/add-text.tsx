import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import type { Label } from "../../api/labels";
import type { Resource } from "../../api/pages";
import { Button } from "../../components/button";
import { ask, Dialog } from "../../components/dialog";
import { TextArea, TextField } from "../../components/field";
import { Cancel, Form, Submit } from "../../components/form";
import { say } from "../../components/toast";
import { artifacts as texts } from "../../texts";
import { checkLabels, idsOf, LABELS, LabelChoice } from "./labels";
import { wordsOf } from "./send";
import { type Artifact, upload } from "./uploads";

/** A longer text does not fit into a request, and is uploaded as a file. */
const MAX_BYTES = 48_000;

const SAME = "same-content-exists";

type AddTextProps = { organizationId: string; labels: Resource<Label[]> };

/** Opens the form for a text. Returns the new artifact, unless its text is uploaded as a file. */
export const addText = (props: AddTextProps): Promise<Artifact | undefined> =>
    ask<Artifact>((answer) => (
        <Dialog title={texts.addTextTitle} onClose={answer} wide>
            <AddText {...props} answer={answer} />
        </Dialog>
    ));

const AddText = ({ organizationId, labels, answer }: AddTextProps & { answer: (added?: Artifact) => void }) => {
    const form = useForm({
        check: (values) => checkLabels(values.all(LABELS)),
        send: async ({ values, key }) => {
            const name = values.text("name");
            const text = values.raw("text");
            const chosen = idsOf(values.all(LABELS), labels);
            if (new TextEncoder().encode(text).length > MAX_BYTES) {
                const file = new File([text], name, { type: "text/plain" });
                upload(organizationId, file, { name, mediaType: "text/plain", labels: chosen });
                return undefined;
            }
            const { body } = await call(
                api.POST("/v1/organizations/{organizationId}/artifacts", {
                    params: { path: { organizationId }, header: { "Idempotency-Key": key } },
                    body: { name, text, labels: chosen, allowDuplicate: values.checked("anyway") },
                }),
            );
            return body.data;
        },
        done: (artifact) => {
            if (artifact) say(texts.textAdded(artifact.name));
            answer(artifact);
        },
        explain: (problem) => ({ text: problem.code === SAME ? texts.sameText : wordsOf(problem) }),
    });
    const isSame = form.problem.value?.code === SAME;
    return (
        <Form form={form} class="form-wide">
            <TextField form={form} name="name" label={texts.name} hint={texts.nameHint} required maxLength={255} />
            <TextArea form={form} name="text" label={texts.content} hint={texts.contentHint} rows={10} required />
            <LabelChoice form={form} organizationId={organizationId} labels={labels} chosen={[]} />
            <div class="form-actions">
                <Cancel form={form} />
                {isSame ? (
                    <Button type="submit" look="primary" name="anyway" value="yes" busy={form.isSending.value}>
                        {texts.addAnyway}
                    </Button>
                ) : (
                    <Submit form={form}>{texts.add}</Submit>
                )}
            </div>
        </Form>
    );
};
