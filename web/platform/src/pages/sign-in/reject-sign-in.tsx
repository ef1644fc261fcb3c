import { api, call } from "../../api/client";
import { signIn as texts } from "../../texts";
import { MailedLink } from "./mailed-link";

const RejectSignIn = () => (
    <MailedLink
        title={texts.rejectTitle}
        text={texts.rejectText}
        button={texts.notMe}
        danger
        send={(token) => call(api.POST("/v1/auth/reject-sign-in", { body: { token } }))}
        problems={{ "email-taken": texts.addressTaken }}
        done={{ title: texts.rejected, text: texts.rejectedText, href: "/sign-in", link: texts.backToSignIn }}
    />
);

export default RejectSignIn;
