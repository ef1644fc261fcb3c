// The list of conversations, beside the open one on a wide screen.

import { LinkButton } from "../../components/button";
import { Failure } from "../../components/failure";
import { Menu, MenuItem } from "../../components/menu";
import { SkeletonText } from "../../components/skeleton";
import { LoadMore } from "../../components/table";
import { Time } from "../../components/time";
import { chat as texts } from "../../texts";
import "./conversations.css";
import { deleteConversation, editConversation } from "./edit";
import { type Conversation, titleOf, useConversations } from "./store";

type ConversationsProps = { organizationId: string; current?: string };

export const Conversations = ({ organizationId, current }: ConversationsProps) => {
    const list = useConversations(organizationId);
    const base = `/organizations/${organizationId}/conversations`;
    const rows = list.items.value;
    const problem = list.problem.value;
    return (
        <nav class="conversations" aria-label={texts.conversations}>
            <header class="conversations-head">
                <h2>{texts.conversations}</h2>
                {current !== undefined && (
                    <LinkButton href={base} size="small" icon="add">
                        {texts.newConversation}
                    </LinkButton>
                )}
            </header>
            {problem && <Failure problem={problem} retry={list.retry} />}
            {rows.length === 0 && list.state.value === "loading" && <SkeletonText lines={4} />}
            {rows.length === 0 && list.state.value === "ready" && <p class="soft small">{texts.noConversations}</p>}
            <ul class="conversations-rows">
                {rows.map((row) => (
                    <li key={row.id} class="conversations-row">
                        <a href={`${base}/${row.id}`} aria-current={row.id === current ? "page" : undefined}>
                            <span class="cut">{titleOf(row)}</span>
                            <span class="conversations-time">
                                <Time value={row.lastMessageAt} />
                            </span>
                        </a>
                        <ConversationMenu organizationId={organizationId} conversation={row} />
                    </li>
                ))}
            </ul>
            <LoadMore list={list} />
        </nav>
    );
};

type MenuProps = { organizationId: string; conversation: Conversation };

/** What can be done with a conversation. */
export const ConversationMenu = ({ organizationId, conversation }: MenuProps) => {
    const path = { organizationId, conversationId: conversation.id };
    return (
        <Menu label={texts.actionsFor(titleOf(conversation))}>
            <MenuItem icon="edit" onClick={() => void editConversation(path)}>
                {texts.edit}
            </MenuItem>
            <MenuItem icon="trash" danger onClick={() => void deleteConversation(path, titleOf(conversation))}>
                {texts.remove}
            </MenuItem>
        </Menu>
    );
};
