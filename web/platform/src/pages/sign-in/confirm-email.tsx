import { useState } from "preact/hooks";
import { reloadProfile } from "../../api/account";
import { api, call } from "../../api/client";
import { Problem } from "../../api/problem";
import { profile } from "../../api/session";
import { useProfile } from "../../api/use-profile";
import { PasswordField } from "../../components/field";
import { SkeletonText } from "../../components/skeleton";
import { signIn as texts } from "../../texts";
import { MailedLink, NotMe } from "./mailed-link";

const ConfirmEmail = () => {
    const user = useProfile();
    // The session may be that of another account: then the password proves it.
    const [isRefused, setRefused] = useState(false);
    if (user === undefined) return <SkeletonText />;
    const needsPassword = user === null || isRefused;
    return (
        <MailedLink
            title={texts.confirmEmailTitle}
            text={needsPassword ? texts.confirmEmailPassword : texts.confirmEmailText}
            button={texts.move}
            send={async (token, values) => {
                const body = needsPassword ? { token, currentPassword: values.raw("currentPassword") } : { token };
                try {
                    await call(api.POST("/v1/auth/confirm-email", { body }));
                } catch (error) {
                    const { code } = Problem.from(error);
                    if (code === "proof-needed" || code === "unauthenticated") setRefused(true);
                    throw error;
                }
                if (profile.value) await reloadProfile().catch(() => undefined);
            }}
            problems={{
                "proof-needed": texts.proofNeeded,
                unauthenticated: texts.proofNeeded,
                "wrong-password": texts.wrongPassword,
                "second-factor-needed": texts.factorNeeded,
                "email-taken": texts.addressTaken,
            }}
            done={{
                title: texts.moved,
                text: texts.movedText,
                href: user ? "/" : "/sign-in",
                link: user ? texts.goOn : texts.signIn,
            }}
            fields={(form) =>
                needsPassword && (
                    <PasswordField
                        form={form}
                        name="currentPassword"
                        label={texts.password}
                        autoComplete="current-password"
                        required
                    />
                )
            }
        >
            <NotMe />
        </MailedLink>
    );
};

export default ConfirmEmail;
