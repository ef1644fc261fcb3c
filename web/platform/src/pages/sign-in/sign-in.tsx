import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { api, call } from "../../api/client";
import { apiUrl, keepsSession } from "../../api/config";
import { useForm } from "../../api/forms";
import { Notice } from "../../components/badge";
import { Button } from "../../components/button";
import { PasswordField, TextField } from "../../components/field";
import { Form, Submit } from "../../components/form";
import { PageHeader } from "../../components/page-header";
import { withReturnTo } from "../../navigation";
import { signIn as texts } from "../../texts";
import { ByMail } from "./by-mail";
import { finish } from "./finish";
import { Passkey } from "./passkey";
import { Providers } from "./providers";

const SignIn = () => {
    const { returnTo } = useLocation().query;
    const [isByMail, setByMail] = useState(false);
    return isByMail ? (
        <ByMail returnTo={returnTo} back={() => setByMail(false)} />
    ) : (
        <ByPassword returnTo={returnTo} mail={() => setByMail(true)} />
    );
};

type ByPasswordProps = { returnTo: string | undefined; mail: () => void };

const ByPassword = ({ returnTo, mail }: ByPasswordProps) => {
    const form = useForm({
        send: ({ values }) => {
            const body = { email: values.text("email"), password: values.raw("password") };
            return call(api.POST("/v1/auth/login", { body: { ...body, transport: "cookie" } }));
        },
        done: ({ body }) => finish(body, returnTo),
    });
    const withPasskey = async (passkeyCode: string) => {
        const { body } = await call(
            api.POST("/v1/auth/oauth/exchange", { body: { passkeyCode, transport: "cookie" } }),
        );
        if (body) finish(body, returnTo);
    };
    return (
        <>
            <PageHeader title={texts.title} text={texts.text} />
            <DomainNotice />
            <Form form={form} label={texts.title}>
                <TextField form={form} name="email" label={texts.email} type="email" autoComplete="username" required />
                <PasswordField
                    form={form}
                    name="password"
                    label={texts.password}
                    autoComplete="current-password"
                    required
                />
                <Submit form={form} wide>
                    {texts.signIn}
                </Submit>
                <p class="small">
                    <a href={withReturnTo("/forgot-password", returnTo)}>{texts.forgot}</a>
                </p>
            </Form>
            <p class="divider">{texts.or}</p>
            <div class="stack stack-s">
                <Providers returnTo={returnTo} />
                <Passkey label={texts.withPasskey} use={withPasskey} />
                <Button icon="mail" wide onClick={mail}>
                    {texts.byMail}
                </Button>
            </div>
            <p class="sign-in-end">
                {texts.newHere} <a href={withReturnTo("/register", returnTo)}>{texts.register}</a>
            </p>
        </>
    );
};

/** Says it where the browser cannot keep the session. */
const DomainNotice = () => {
    const [isKept, setKept] = useState(true);
    useEffect(() => {
        apiUrl()
            .then((url) => setKept(keepsSession(url, location.href)))
            .catch(() => setKept(true));
    }, []);
    return isKept ? null : (
        <Notice tone="warning">
            <p>{texts.otherDomain}</p>
        </Notice>
    );
};

export default SignIn;
