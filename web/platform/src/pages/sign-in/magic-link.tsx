import { api, call } from "../../api/client";
import { useProfile } from "../../api/use-profile";
import { SkeletonText } from "../../components/skeleton";
import { signIn as texts } from "../../texts";
import { finish } from "./finish";
import { MailedLink } from "./mailed-link";

const MagicLink = () => {
    const user = useProfile();
    if (user === undefined) return <SkeletonText />;
    return (
        <MailedLink
            title={texts.magicTitle}
            text={user ? `${texts.magicText} ${texts.magicAs(user.email)}` : texts.magicText}
            button={texts.signIn}
            send={(token) => call(api.POST("/v1/auth/magic-links/verify", { body: { token, transport: "cookie" } }))}
            done={({ body }) => finish(body, null)}
        >
            <p class="sign-in-end">
                <a href={user ? "/" : "/sign-in"}>{user ? texts.staySignedIn : texts.backToSignIn}</a>
            </p>
        </MailedLink>
    );
};

export default MagicLink;
