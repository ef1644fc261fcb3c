import { api, call } from "../../api/client";
import { signIn as texts } from "../../texts";
import { finish } from "./finish";
import { MailedLink } from "./mailed-link";

const MagicLink = () => (
    <MailedLink
        title={texts.magicTitle}
        text={texts.magicText}
        button={texts.signIn}
        send={(token) => call(api.POST("/v1/auth/magic-links/verify", { body: { token, transport: "cookie" } }))}
        done={({ body }) => finish(body, null)}
    >
        <p class="sign-in-end">
            <a href="/sign-in">{texts.backToSignIn}</a>
        </p>
    </MailedLink>
);

export default MagicLink;
