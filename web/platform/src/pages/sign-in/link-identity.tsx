import { api, call } from "../../api/client";
import { signIn as texts } from "../../texts";
import { MailedLink } from "./mailed-link";

const LinkIdentity = () => (
    <MailedLink
        title={texts.identityTitle}
        text={texts.identityText}
        button={texts.addIdentity}
        send={(token) => call(api.POST("/v1/auth/link-identity", { body: { token } }))}
        problems={{ "linked-elsewhere": texts.linkedElsewhere }}
        done={{ title: texts.identityAdded, text: texts.identityAddedText, href: "/sign-in", link: texts.signIn }}
    />
);

export default LinkIdentity;
