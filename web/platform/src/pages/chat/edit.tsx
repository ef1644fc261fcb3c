// The dialogs that change and delete a conversation.

import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { type Resource, useResource } from "../../api/pages";
import { confirm } from "../../components/confirm";
import { ask, Dialog } from "../../components/dialog";
import { TextField } from "../../components/field";
import { Cancel, Form, Submit } from "../../components/form";
import { Loaded } from "../../components/loaded";
import { say } from "../../components/toast";
import { navigate } from "../../navigation";
import { general, chat as texts } from "../../texts";
import type { ConversationPath } from "./live";
import { type Conversation, removeFromList, showInList } from "./store";

const CONVERSATION = "/v1/organizations/{organizationId}/conversations/{conversationId}";

export const loadConversation = (path: ConversationPath, signal: AbortSignal) =>
    call(api.GET(CONVERSATION, { params: { path }, signal }));

/** Changes the title and the model. */
export const editConversation = async (path: ConversationPath): Promise<void> => {
    const conversation = await ask<Conversation>((answer) => (
        <Dialog title={texts.editTitle} onClose={answer}>
            <Edit path={path} done={answer} />
        </Dialog>
    ));
    if (conversation === undefined) return;
    showInList(path.organizationId, conversation);
    say(general.saved);
};

type Done = (conversation?: Conversation) => void;

const Edit = ({ path, done }: { path: ConversationPath; done: Done }) => {
    const resource = useResource((signal) => loadConversation(path, signal), []);
    return (
        <Loaded resource={resource}>
            {(value) => <EditForm path={path} resource={resource} value={value} done={done} />}
        </Loaded>
    );
};

type EditFormProps = {
    path: ConversationPath;
    resource: Resource<Conversation>;
    value: Conversation;
    done: Done;
};

const EditForm = ({ path, resource, value, done }: EditFormProps) => {
    const form = useForm({
        resource,
        show: ({ title, model }: Conversation) => ({ title: title ?? "", model }),
        send: ({ values, etag }) =>
            call(
                api.PATCH(CONVERSATION, {
                    params: { path, header: { "If-Match": etag } },
                    body: { title: values.optional("title"), model: values.text("model") },
                }),
            ),
        explain: ({ code }) => (code === "no-such-model" ? { field: "model", text: texts.noSuchModel } : null),
        done: ({ body }) => done(body.data),
    });
    return (
        <Form form={form}>
            <TextField
                form={form}
                name="title"
                label={texts.titleField}
                value={value.title}
                maxLength={200}
                autoFocus
            />
            <TextField
                form={form}
                name="model"
                label={texts.modelField}
                hint={texts.modelHint}
                value={value.model}
                required
                maxLength={200}
            />
            <div class="form-actions">
                <Cancel form={form} />
                <Submit form={form}>{general.save}</Submit>
            </div>
        </Form>
    );
};

/** Asks, and deletes the conversation. */
export const deleteConversation = async (path: ConversationPath, title: string): Promise<void> => {
    const isGone = await confirm({
        title: texts.removeTitle,
        text: texts.removeText(title),
        action: texts.remove,
        danger: true,
        run: () => call(api.DELETE(CONVERSATION, { params: { path } })),
    });
    if (!isGone) return;
    removeFromList(path.conversationId);
    say(texts.removed);
    const start = `/organizations/${path.organizationId}/conversations`;
    if (location.pathname.startsWith(`${start}/${path.conversationId}`)) navigate(start, true);
};
