// What all ways to sign in have in common.

import { api, call } from "../../api/client";
import type { List } from "../../api/pages";
import type { components } from "../../api/schema";
import { Badge } from "../../components/badge";
import { confirm } from "../../components/confirm";
import { focusHeading } from "../../components/focus-heading";
import { Time } from "../../components/time";
import { say } from "../../components/toast";
import { account as texts } from "../../texts";

export type Method = components["schemas"]["Account"];

type Removal = { methods: List<Method>; method: Method; what: string; title: string; text: string };

/** Asks, and removes a way to sign in. */
export const removeMethod = async ({ methods, method, what, title, text }: Removal): Promise<void> => {
    const path = { id: method.id };
    const isGone = await confirm({
        title,
        text,
        action: texts.remove,
        danger: true,
        run: () => call(api.DELETE("/v1/auth/accounts/{id}", { params: { path } })),
    });
    if (!isGone) return;
    methods.items.value = methods.items.value.filter(({ id }) => id !== method.id);
    focusHeading();
    say(texts.removed(what));
};

type OnlyWayProps = { methods: List<Method>; method: Method | undefined };

export const OnlyWay = ({ methods, method }: OnlyWayProps) =>
    method && methods.items.value.length === 1 ? <Badge tone="warning">{texts.onlyWay}</Badge> : null;

/** Since when there is a way to sign in, and when it was used. */
export const Used = ({ verb, method: { createdAt, lastUsedAt } }: { verb: string; method: Method }) => (
    <>
        {createdAt && (
            <>
                {verb} <Time value={createdAt} as="day" />
                {", "}
            </>
        )}
        {lastUsedAt ? (
            <>
                {texts.lastUsed} <Time value={lastUsedAt} />
            </>
        ) : (
            texts.neverUsed
        )}
    </>
);
