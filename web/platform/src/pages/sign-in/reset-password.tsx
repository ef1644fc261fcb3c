import { api, call } from "../../api/client";
import { PasswordField } from "../../components/field";
import { signIn as texts } from "../../texts";
import { MailedLink } from "./mailed-link";
import { usePasswordLength } from "./password-length";

const ResetPassword = () => {
    const password = usePasswordLength();
    return (
        <MailedLink
            title={texts.resetTitle}
            text={texts.resetText}
            button={texts.changePassword}
            send={(token, values) =>
                call(api.POST("/v1/auth/reset-password", { body: { token, newPassword: values.raw("newPassword") } }))
            }
            again={{ href: "/forgot-password", link: texts.askForMail }}
            problems={{ "password-like-account": texts.passwordLikeAccount }}
            done={{ title: texts.resetDone, text: texts.resetDoneText, href: "/sign-in", link: texts.signIn }}
            fields={(form) => (
                <PasswordField
                    form={form}
                    name="newPassword"
                    label={texts.newPassword}
                    hint={texts.passwordHint(password.min)}
                    autoComplete="new-password"
                    minLength={password.min}
                    maxLength={password.max}
                    required
                />
            )}
        />
    );
};

export default ResetPassword;
