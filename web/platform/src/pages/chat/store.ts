// The conversations that the list at the side shows.

import { useMemo } from "preact/hooks";
import { api, call } from "../../api/client";
import { type List, useList } from "../../api/pages";
import type { components } from "../../api/schema";
import { whenUserChanges } from "../../api/session";
import { chat as texts } from "../../texts";

export type Conversation = components["schemas"]["Conversation"];

let shown: { organizationId: string; list: List<Conversation> } | null = null;

whenUserChanges(() => {
    shown = null;
});

/** Loads the conversations. Those of the page before are shown until then. */
export const useConversations = (organizationId: string): List<Conversation> => {
    const list = useList(
        ({ cursor }, signal) =>
            call(
                api.GET("/v1/organizations/{organizationId}/conversations", {
                    params: { path: { organizationId }, query: { cursor, limit: 50, sort: "-createdAt" } },
                    signal,
                }),
            ),
        [organizationId],
    );
    useMemo(() => {
        if (shown?.organizationId === organizationId) list.items.value = shown.list.items.peek();
        shown = { organizationId, list };
    }, [list]);
    return list;
};

/** Returns a conversation that the list has. */
export const listed = (conversationId: string): Conversation | undefined =>
    shown?.list.items.value.find(({ id }) => id === conversationId);

/** Shows a new or changed conversation of an organization in its list. */
export const showInList = (organizationId: string, conversation: Conversation): void => {
    if (shown?.organizationId !== organizationId) return;
    const { items } = shown.list;
    const others = items.value.filter(({ id }) => id !== conversation.id);
    items.value = [conversation, ...others].sort((a, b) => (a.createdAt > b.createdAt ? -1 : 1));
};

/** Removes a conversation from the list. */
export const removeFromList = (conversationId: string): void => {
    if (shown !== null) shown.list.items.value = shown.list.items.value.filter(({ id }) => id !== conversationId);
};

export const titleOf = ({ title }: Conversation): string => title ?? texts.untitled;
