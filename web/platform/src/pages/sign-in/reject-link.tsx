import { api, call } from "../../api/client";
import { signIn as texts } from "../../texts";
import { MailedLink } from "./mailed-link";

const RejectLink = () => (
    <MailedLink
        title={texts.rejectLinkTitle}
        text={texts.rejectLinkText}
        button={texts.rejectLink}
        danger
        send={(token) => call(api.POST("/v1/auth/reject-link", { body: { token } }))}
        problems={{ "last-owner": texts.lastOwner }}
        done={{ title: texts.linkRejected, text: texts.linkRejectedText, href: "/sign-in", link: texts.backToSignIn }}
    />
);

export default RejectLink;
