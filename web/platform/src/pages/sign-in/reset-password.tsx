import { api, call } from "../../api/client";
import { NewPasswordField } from "../../components/new-password";
import { signIn as texts } from "../../texts";
import { MailedLink } from "./mailed-link";

const ResetPassword = () => (
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
        fields={(form) => <NewPasswordField form={form} name="newPassword" label={texts.newPassword} />}
    />
);

export default ResetPassword;
