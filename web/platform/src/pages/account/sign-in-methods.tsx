import { useEffect, useState } from "preact/hooks";
import { type Answer, api, call } from "../../api/client";
import { type List, useList, useResource } from "../../api/pages";
import { Problem } from "../../api/problem";
import { publicConfig } from "../../api/public-config";
import type { components } from "../../api/schema";
import { profile } from "../../api/session";
import { Button, LinkButton } from "../../components/button";
import { Failure } from "../../components/failure";
import { SkeletonRows } from "../../components/skeleton";
import { account as texts } from "../../texts";
import { AccountPage, Action, Row, Rows, Section } from "./frame";
import { type Method, OnlyWay, removeMethod, Used } from "./methods";
import { Passkeys } from "./passkeys";
import { changePassword, mailPasswordLink } from "./password";
import { SecondStep } from "./second-step";

type Provider = components["schemas"]["OfferedProvider"];

const SignInMethods = () => {
    const methods = useList((_, signal) => call(api.GET("/v1/auth/accounts", { signal })), []);
    const codes = useResource(countCodes, []);
    const problem = methods.problem.value;
    return (
        <AccountPage title={texts.signInMethods} text={texts.signInMethodsText}>
            {problem && <Failure problem={problem} retry={methods.retry} />}
            {methods.state.value === "loading" && <SkeletonRows />}
            {methods.items.value.length > 0 && (
                <>
                    <Own methods={methods} />
                    <Passkeys methods={methods} />
                    <Providers methods={methods} />
                </>
            )}
            <SecondStep codes={codes} />
        </AccountPage>
    );
};

/** Counts the recovery codes. Null: there is no authenticator app. */
const countCodes = async (signal: AbortSignal): Promise<Answer<{ data: { left: number | null } }>> => {
    try {
        return await call(api.GET("/v1/auth/recovery-codes", { signal }));
    } catch (error) {
        const { code, status } = Problem.from(error);
        if (code !== "second-factor-not-found") throw error;
        return { body: { data: { left: null } }, etag: null, status };
    }
};

const Own = ({ methods }: { methods: List<Method> }) => {
    const all = methods.items.value;
    const password = all.find(({ method }) => method === "password");
    const isByMail = all.some(({ method }) => method === "email");
    const remove = (method: Method) =>
        removeMethod({
            methods,
            method,
            what: texts.password,
            title: texts.removePasswordTitle,
            text: texts.removePasswordText,
        });
    return (
        <Section title={texts.own} text={texts.ownText}>
            <Rows>
                <Row
                    icon="lock"
                    title={
                        <>
                            {texts.password}
                            <OnlyWay methods={methods} method={password} />
                        </>
                    }
                    text={password ? texts.passwordSet : texts.noPassword}
                >
                    {password && (
                        <Button size="small" onClick={() => void changePassword()}>
                            {texts.change}
                            <span class="hidden">{texts.password}</span>
                        </Button>
                    )}
                    {password && all.length > 1 && (
                        <Button size="small" look="quiet" onClick={() => void remove(password)}>
                            {texts.remove}
                            <span class="hidden">{texts.password}</span>
                        </Button>
                    )}
                    {!password && <Action run={mailPasswordLink}>{texts.addPassword}</Action>}
                </Row>
                <Row
                    icon="mail"
                    title={texts.byMail}
                    text={isByMail ? texts.byMailText(profile.value?.email ?? "") : texts.byMailNotYet}
                >
                    <LinkButton size="small" href="/account/profile">
                        {texts.changeEmail}
                    </LinkButton>
                </Row>
            </Rows>
        </Section>
    );
};

const Providers = ({ methods }: { methods: List<Method> }) => {
    const [offered, setOffered] = useState<readonly Provider[]>([]);
    useEffect(() => {
        publicConfig()
            .then(({ providers }) => setOffered(providers))
            // What is connected is shown without it.
            .catch(() => undefined);
    }, []);
    const connected = methods.items.value.filter(({ method }) => method === "provider");
    if (connected.length + offered.length === 0) return null;
    return (
        <Section title={texts.providers} text={texts.providersText}>
            <Rows>
                {connected.length === 0 && <Row icon="external" title={texts.noProviders} />}
                {connected.map((method) => (
                    <Connected key={method.id} methods={methods} method={method} />
                ))}
            </Rows>
            <div class="row">
                {offered.map(({ name, label }) => (
                    <Action key={name} icon="add" run={() => connect(name)}>
                        {texts.connect(label)}
                    </Action>
                ))}
            </div>
        </Section>
    );
};

/** Goes to a provider, which leads back here. */
const connect = async (provider: string): Promise<void> => {
    const body = { provider, returnTo: "/account/sign-in-methods" };
    const { body: begun } = await call(api.POST("/v1/auth/accounts", { body }));
    location.assign(begun.data.authorizationUrl);
};

const Connected = ({ methods, method }: { methods: List<Method>; method: Method }) => {
    const label = method.label ?? method.provider ?? "";
    const remove = () =>
        removeMethod({
            methods,
            method,
            what: label,
            title: texts.removeProviderTitle(label),
            text: texts.removeProviderText(label),
        });
    return (
        <Row
            icon="external"
            title={
                <>
                    {label}
                    <OnlyWay methods={methods} method={method} />
                </>
            }
            text={
                <>
                    {method.email && `${method.email} · `}
                    <Used verb={texts.connected} method={method} />
                </>
            }
        >
            {methods.items.value.length > 1 && (
                <Button size="small" look="quiet" onClick={() => void remove()}>
                    {texts.remove}
                    <span class="hidden">{label}</span>
                </Button>
            )}
        </Row>
    );
};

export default SignInMethods;
