import { useLocation } from "preact-iso";
import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { begin } from "../../api/session";
import { TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { NewPasswordField } from "../../components/new-password";
import { PageHeader } from "../../components/page-header";
import { say } from "../../components/toast";
import { navigate, ownPath, withReturnTo } from "../../navigation";
import { signIn as texts } from "../../texts";
import { Providers } from "./providers";

const Register = () => {
    const { returnTo } = useLocation().query;
    const form = useForm({
        send: ({ values, key }) => {
            const body = {
                name: values.text("name"),
                email: values.text("email"),
                password: values.raw("password"),
                transport: "cookie" as const,
            };
            return call(api.POST("/v1/auth/register", { params: { header: { "Idempotency-Key": key } }, body }));
        },
        done: ({ body: { data } }) => {
            const { accessToken, expiresIn, tokenType, user } = data;
            if (accessToken === undefined || expiresIn === undefined) {
                say(texts.registeredTwice);
                navigate(withReturnTo("/sign-in", returnTo), true);
                return;
            }
            begin({ accessToken, expiresIn, tokenType: tokenType ?? "Bearer", user });
            say(texts.welcome);
            navigate(ownPath(returnTo), true);
        },
        explain: ({ code }) => {
            if (code === "email-taken") return { field: "email", text: texts.emailTaken };
            return code === "password-like-account" ? { field: "password", text: texts.passwordLikeAccount } : null;
        },
    });
    return (
        <>
            <PageHeader title={texts.registerTitle} text={texts.registerText} />
            <Form form={form} label={texts.registerTitle}>
                <TextField form={form} name="name" label={texts.name} autoComplete="name" maxLength={100} required />
                <TextField form={form} name="email" label={texts.email} type="email" autoComplete="username" required />
                <NewPasswordField form={form} name="password" label={texts.newPassword} />
                <Submit form={form} wide>
                    {texts.create}
                </Submit>
            </Form>
            <div class="stack stack-s">
                <Providers returnTo={returnTo} />
            </div>
            <p class="sign-in-end">
                {texts.haveAccount} <a href={withReturnTo("/sign-in", returnTo)}>{texts.signIn}</a>
            </p>
        </>
    );
};

export default Register;
