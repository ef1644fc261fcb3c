// The way back from an identity provider. What came of it is in the fragment, which no server sees.

import { useEffect, useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { own } from "../../api/own";
import { Problem } from "../../api/problem";
import { LinkButton } from "../../components/button";
import { Failure } from "../../components/failure";
import { PageHeader } from "../../components/page-header";
import { SkeletonText } from "../../components/skeleton";
import { say } from "../../components/toast";
import { navigate, ownPath } from "../../navigation";
import { signIn as texts } from "../../texts";
import { finish } from "./finish";

type Arrived = { code: string | null; error: string | null; returnTo: string | null };

const readFragment = (): Arrived => {
    const fragment = new URLSearchParams(location.hash.slice(1));
    // The code is a secret: it does not stay in the history.
    history.replaceState(null, "", location.pathname);
    return { code: fragment.get("code"), error: fragment.get("error"), returnTo: fragment.get("returnTo") };
};

const SignedIn = () => {
    const [arrived] = useState(readFragment);
    const [failed, setFailed] = useState<Problem | null>(null);
    const { code, error, returnTo } = arrived;

    const exchange = async (code: string) => {
        setFailed(null);
        try {
            const { body } = await call(api.POST("/v1/auth/oauth/exchange", { body: { code, transport: "cookie" } }));
            if (body) return finish(body, returnTo);
            say(texts.linked);
            navigate(ownPath(returnTo ?? "/account/sign-in-methods"), true);
        } catch (error) {
            const problem = Problem.from(error);
            problem.explanation = own(texts.exchangeErrors, problem.code) ?? null;
            setFailed(problem);
        }
    };
    const nothingToSay = code === null && (error === null || error === "sign-in-cancelled");
    useEffect(() => {
        if (code !== null) void exchange(code);
        else if (nothingToSay) navigate("/", true);
    }, []);

    if (nothingToSay) return null;
    if (code !== null && failed === null) {
        return (
            <>
                <PageHeader title={texts.signingIn} />
                <SkeletonText />
            </>
        );
    }
    const text = error === null ? undefined : own(texts.providerErrors, error);
    // The code still works after a failure that is not a refusal.
    const retry = code !== null && failed !== null && (failed.status === 0 || failed.status >= 500);
    return (
        <>
            <PageHeader title={texts.signInFailed} text={text} />
            {failed && <Failure problem={failed} {...(retry ? { retry: () => void exchange(code) } : {})} />}
            <LinkButton href="/sign-in" look="primary" wide>
                {texts.backToSignIn}
            </LinkButton>
        </>
    );
};

export default SignedIn;
