import { useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { forgetOrganization } from "../../api/organizations";
import { Problem } from "../../api/problem";
import { end, profile } from "../../api/session";
import { Button } from "../../components/button";
import { confirm } from "../../components/confirm";
import { Form, Submit } from "../../components/form";
import { say } from "../../components/toast";
import { navigate } from "../../navigation";
import { account as texts } from "../../texts";
import { type Export, ExportDocument } from "./export-document";
import { ExportFile } from "./export-file";
import { AccountPage, Section } from "./frame";

const Data = () => (
    <AccountPage title={texts.data} text={texts.dataText}>
        <Section title={texts.stored} text={texts.storedText}>
            <Stored />
        </Section>
        <Section title={texts.file} text={texts.fileText}>
            <ExportFile />
        </Section>
        <Section title={texts.leave} text={texts.leaveText}>
            <div class="card card-danger stack">
                <ul class="account-list">
                    {texts.consequences.map((text) => (
                        <li key={text}>{text}</li>
                    ))}
                </ul>
                <div class="row">
                    <Button look="danger" icon="trash" onClick={() => void leave()}>
                        {texts.leave}
                    </Button>
                </div>
            </div>
        </Section>
    </AccountPage>
);

const Stored = () => {
    const [document, setDocument] = useState<Export | null>(null);
    const form = useForm({
        send: () => call(api.GET("/v1/auth/me/export")),
        done: ({ body }) => setDocument(body.data),
    });
    if (document) return <ExportDocument document={document} />;
    return (
        <div class="card">
            <Form form={form}>
                <p>{texts.showStoredText}</p>
                <div class="form-actions">
                    <Submit form={form} look={undefined} icon="eye">
                        {texts.showStored}
                    </Submit>
                </div>
            </Form>
        </div>
    );
};

const leave = async (): Promise<void> => {
    const isGone = await confirm({
        title: texts.leaveTitle,
        text: texts.leaveConfirm,
        action: texts.leave,
        danger: true,
        typed: profile.value?.email ?? "",
        run: deleteAccount,
    });
    if (!isGone) return;
    forgetOrganization(profile.value?.id ?? "");
    end();
    navigate("/sign-in", true);
    say(texts.left);
};

const deleteAccount = async (): Promise<void> => {
    try {
        await call(api.DELETE("/v1/auth/me"));
    } catch (error) {
        const problem = Problem.from(error);
        if (problem.code === "last-owner") problem.explanation = texts.lastOwner;
        throw problem;
    }
};

export default Data;
