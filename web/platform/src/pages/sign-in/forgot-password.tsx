import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { PageHeader } from "../../components/page-header";
import { withReturnTo } from "../../navigation";
import { signIn as texts } from "../../texts";

const ForgotPassword = () => {
    const { returnTo } = useLocation().query;
    const [mailedTo, setMailedTo] = useState<string | null>(null);
    const form = useForm({
        send: ({ values }) => call(api.POST("/v1/auth/forgot-password", { body: { email: values.text("email") } })),
        done: (_, values) => setMailedTo(values.text("email")),
    });
    return (
        <>
            {mailedTo === null ? (
                <>
                    <PageHeader key="ask" title={texts.forgotTitle} text={texts.forgotText} />
                    <Form form={form} label={texts.forgotTitle}>
                        <TextField
                            form={form}
                            name="email"
                            label={texts.email}
                            type="email"
                            autoComplete="username"
                            required
                        />
                        <Submit form={form} wide>
                            {texts.mailMe}
                        </Submit>
                    </Form>
                </>
            ) : (
                <PageHeader key="sent" title={texts.forgotSent} text={texts.forgotSentText(mailedTo)} />
            )}
            <p class="sign-in-end">
                <a href={withReturnTo("/sign-in", returnTo)}>{texts.backToSignIn}</a>
            </p>
        </>
    );
};

export default ForgotPassword;
