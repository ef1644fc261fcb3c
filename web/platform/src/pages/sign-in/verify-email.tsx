import { useLocation } from "preact-iso";
import { api, call } from "../../api/client";
import { profile } from "../../api/session";
import { useProfile } from "../../api/use-profile";
import { SkeletonText } from "../../components/skeleton";
import { withReturnTo } from "../../navigation";
import { signIn as texts } from "../../texts";
import { MailedLink, NotMe } from "./mailed-link";

const VerifyEmail = () => {
    const user = useProfile();
    const { path } = useLocation();
    if (user === undefined) return <SkeletonText />;
    return (
        <MailedLink
            title={texts.verifyTitle}
            text={user ? `${texts.verifyText} ${texts.verifyAs(user.email)}` : texts.verifyText}
            button={texts.confirm}
            send={async (token) => {
                const { body } = await call(api.POST("/v1/auth/verify-email", { body: { token } }));
                if (profile.value?.id === body.data.id) profile.value = body.data;
            }}
            done={{
                title: texts.verified,
                text: texts.verifiedText,
                href: user ? "/" : "/sign-in",
                link: user ? texts.goOn : texts.signIn,
            }}
        >
            {!user && (
                <p class="small soft">
                    {texts.verifySignInText} <a href={withReturnTo("/sign-in", path)}>{texts.verifySignIn}</a>
                </p>
            )}
            <NotMe />
        </MailedLink>
    );
};

export default VerifyEmail;
