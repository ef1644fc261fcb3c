-- Conversations with a language model. Each belongs to the user or to the API key that created it, and nobody else reads it.
CREATE TABLE conversations (
    id              uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    -- One of the two; both are null once the key is removed.
    created_by      uuid,
    api_key_id      uuid,
    title           text,
    model           text        NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    -- The time of creation, until there is a message. Decides when the conversation is removed.
    last_message_at timestamptz NOT NULL,
    -- Its messages are deleted then, except one that a model still writes. The sweeper removes the row after that one.
    deleted_at      timestamptz,
    version         bigint      NOT NULL DEFAULT 1,
    CONSTRAINT conversations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT conversations_created_by_fkey FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT conversations_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys (id) ON DELETE SET NULL,
    CONSTRAINT conversations_owner_check CHECK (created_by IS NULL OR api_key_id IS NULL),
    CONSTRAINT conversations_title_check CHECK (length(title) BETWEEN 1 AND 200),
    CONSTRAINT conversations_model_check CHECK (length(model) BETWEEN 1 AND 200)
);

CREATE INDEX conversations_organization_id_idx ON conversations (organization_id);
CREATE INDEX conversations_created_by_organization_id_id_idx ON conversations (created_by, organization_id, id DESC);
CREATE INDEX conversations_api_key_id_id_idx ON conversations (api_key_id, id DESC) WHERE api_key_id IS NOT NULL;
-- What `retention` looks at.
CREATE INDEX conversations_last_message_at_id_idx ON conversations (last_message_at, id);
CREATE INDEX conversations_deleted_at_idx ON conversations (deleted_at) WHERE deleted_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON conversations TO arches_app;
-- To remove old and deleted conversations, and those of erased users. A lock needs the right to update a column.
GRANT SELECT (id, organization_id, created_by, last_message_at, deleted_at), UPDATE (id), DELETE ON conversations TO arches_retention;
