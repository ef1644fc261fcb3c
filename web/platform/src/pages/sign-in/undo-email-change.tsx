import { api, call } from "../../api/client";
import { signIn as texts } from "../../texts";
import { MailedLink } from "./mailed-link";

const UndoEmailChange = () => (
    <MailedLink
        title={texts.undoTitle}
        text={texts.undoText}
        button={texts.undo}
        danger
        send={(token) => call(api.POST("/v1/auth/undo-email-change", { body: { token } }))}
        problems={{ "email-taken": texts.addressTaken }}
        done={{
            title: texts.undone,
            text: texts.undoneText,
            href: "/forgot-password",
            link: texts.chooseNewPassword,
        }}
    />
);

export default UndoEmailChange;
