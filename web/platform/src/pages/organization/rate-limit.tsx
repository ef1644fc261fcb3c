// How often an API key may ask. The API tells the usual limit, and lets administrators of the system set another.

import { useEffect, useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { useForm } from "../../api/forms";
import { publicConfig } from "../../api/public-config";
import { profile } from "../../api/session";
import { Button } from "../../components/button";
import { ask, Dialog } from "../../components/dialog";
import { TextField } from "../../components/field";
import { Cancel, Form, Submit } from "../../components/form";
import { number } from "../../components/numbers";
import { SkeletonText } from "../../components/skeleton";
import { say } from "../../components/toast";
import { general, organization as texts } from "../../texts";
import type { ApiKey } from "./api-key-form";

type Limited = {
    organizationId: string;
    /** Without it, the limit of the organization. */
    apiKey?: ApiKey;
};

/** Shows the limit of requests, and asks an administrator for another. */
export const askForLimit = async (limited: Limited): Promise<void> => {
    const title = limited.apiKey ? texts.requestLimitOf(limited.apiKey.name) : texts.requestLimit;
    const isSet = await ask<boolean>((answer) => (
        <Dialog title={title} onClose={answer}>
            <Limit {...limited} answer={answer} />
        </Dialog>
    ));
    if (isSet) say(texts.limitSet);
};

const usualLimit = async (): Promise<string> => {
    const { limits } = await publicConfig();
    return texts.usualLimit(number(limits.requestsPerWindow), limits.windowSeconds);
};

const Limit = ({ answer, ...limited }: Limited & { answer: (isSet?: boolean) => void }) => {
    const [usual, setUsual] = useState<string>();
    useEffect(() => {
        void usualLimit()
            .catch(() => texts.unknownLimit)
            .then(setUsual);
    }, []);
    if (usual === undefined) return <SkeletonText />;
    return (
        <>
            <p>{usual}</p>
            {profile.value?.systemAdministrator ? (
                <LimitForm {...limited} answer={answer} />
            ) : (
                <>
                    <p class="soft">{texts.limitByAdministrator}</p>
                    <div class="dialog-actions">
                        <Button onClick={() => answer()}>{general.close}</Button>
                    </div>
                </>
            )}
        </>
    );
};

const LimitForm = ({ organizationId, apiKey, answer }: Limited & { answer: (isSet?: boolean) => void }) => {
    const form = useForm({
        send: ({ values }) => {
            const requests = values.optional("requestsPerWindow");
            const body = { requestsPerWindow: requests === null ? null : Number(requests) };
            if (apiKey === undefined) {
                const params = { path: { organizationId } };
                return call(api.PUT("/v1/organizations/{organizationId}/rate-limit", { params, body }));
            }
            const params = { path: { organizationId, apiKeyId: apiKey.id } };
            return call(api.PUT("/v1/organizations/{organizationId}/api-keys/{apiKeyId}/rate-limit", { params, body }));
        },
        done: () => answer(true),
    });
    return (
        <Form form={form} label={texts.requestLimit}>
            <TextField
                form={form}
                name="requestsPerWindow"
                label={texts.requestsPerWindow}
                hint={apiKey ? texts.keyLimitHint : texts.organizationLimitHint}
                type="number"
                inputMode="numeric"
                min={1}
                max={1_000_000}
                patternError={texts.limitError}
            />
            <div class="form-actions">
                <Cancel form={form} />
                <Submit form={form}>{texts.setLimit}</Submit>
            </div>
        </Form>
    );
};
