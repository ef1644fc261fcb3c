import { useForm } from "../api/forms";
import { general as texts } from "../texts";
import { ask, Dialog } from "./dialog";
import { TextField } from "./field";
import { Cancel, Form, Submit } from "./form";

type Question = {
    title: string;
    /** What will happen. */
    text: string;
    /** The button that does it: a verb. */
    action: string;
    /** The red button, for what cannot be taken back. */
    danger?: boolean;
    /** A text that the person must type first. */
    typed?: string;
    /** Does it. The dialog stays open until then, and shows the problem if it throws. */
    run?: () => Promise<unknown>;
};

/** Asks before something ends. Returns whether it was confirmed (and done, with `run`). */
export const confirm = async (question: Question): Promise<boolean> =>
    (await ask<boolean>((answer) => <Confirm {...question} answer={answer} />)) ?? false;

const Confirm = ({ answer, ...question }: Question & { answer: (confirmed: boolean) => void }) => {
    const form = useForm({
        check: (values): Record<string, string> =>
            question.typed === undefined || values.text("typed") === question.typed
                ? {}
                : { typed: texts.typeToConfirm(question.typed) },
        send: async () => question.run?.(),
        done: () => answer(true),
    });
    return (
        <Dialog title={question.title} onClose={() => answer(false)}>
            <p class="soft">{question.text}</p>
            <Form form={form}>
                {question.typed !== undefined && (
                    <TextField form={form} name="typed" label={texts.typeToConfirm(question.typed)} required />
                )}
                <div class="form-actions">
                    <Cancel form={form} autoFocus={question.typed === undefined} />
                    <Submit form={form} look={question.danger ? "danger" : "primary"}>
                        {question.action}
                    </Submit>
                </div>
            </Form>
        </Dialog>
    );
};
