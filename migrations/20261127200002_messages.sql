-- What a person wrote, and what a model answered.
CREATE TABLE messages (
    id                  uuid        PRIMARY KEY,
    organization_id     uuid        NOT NULL,
    conversation_id     uuid        NOT NULL,
    role                text        NOT NULL,
    status              text        NOT NULL,
    -- While the model writes, what was stored of it so far.
    content             text        NOT NULL,
    -- The reason of `failed`, as a code.
    failure             text,
    -- Of an answer.
    model               text,
    -- What the answer used: first an estimate, at the end what the model reports, if it does.
    prompt_tokens       bigint,
    completion_tokens   bigint,
    usage_estimated     boolean     NOT NULL DEFAULT false,
    -- How its sources were found.
    retrieval           text,
    -- The places in the content that name a source: [{"n": 1, "start": 0, "end": 3}].
    citations           jsonb       NOT NULL DEFAULT '[]',
    -- SHA-256 of the Idempotency-Key of the request for the answer, and of its body.
    request_key         bytea,
    request_hash        bytea,
    -- An answer that is not finished by then has stopped.
    deadline_at         timestamptz,
    cancel_requested_at timestamptz,
    created_at          timestamptz NOT NULL,
    finished_at         timestamptz,
    CONSTRAINT messages_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT messages_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    CONSTRAINT messages_role_check CHECK (role IN ('user', 'assistant')),
    CONSTRAINT messages_status_check
        CHECK (status IN ('complete', 'streaming', 'cancelled', 'length', 'interrupted', 'failed')),
    CONSTRAINT messages_user_check CHECK (role = 'assistant' OR (status = 'complete' AND model IS NULL)),
    CONSTRAINT messages_assistant_check CHECK (role = 'user' OR (model IS NOT NULL AND deadline_at IS NOT NULL)),
    CONSTRAINT messages_finished_at_check CHECK ((finished_at IS NULL) = (status = 'streaming')),
    CONSTRAINT messages_failure_check CHECK ((failure IS NOT NULL) = (status = 'failed')),
    CONSTRAINT messages_content_check CHECK (octet_length(content) <= 262144),
    CONSTRAINT messages_tokens_check CHECK (prompt_tokens >= 0 AND completion_tokens >= 0),
    CONSTRAINT messages_retrieval_check CHECK (retrieval IN ('none', 'hybrid', 'keyword-only', 'unavailable')),
    CONSTRAINT messages_request_key_check CHECK (length(request_key) = 32 AND length(request_hash) = 32)
);

CREATE INDEX messages_organization_id_idx ON messages (organization_id);
CREATE INDEX messages_conversation_id_id_idx ON messages (conversation_id, id);
CREATE UNIQUE INDEX messages_conversation_id_request_key_key ON messages (conversation_id, request_key) WHERE request_key IS NOT NULL;
-- One answer at a time.
CREATE UNIQUE INDEX messages_streaming_key ON messages (conversation_id) WHERE status = 'streaming';
-- What the sweeper looks at.
CREATE INDEX messages_deadline_at_idx ON messages (deadline_at) WHERE status = 'streaming';

GRANT SELECT, INSERT, UPDATE, DELETE ON messages TO arches_app;
-- To finish answers that have stopped, and to remove those of erased users. It cannot read what they say.
GRANT SELECT (id, organization_id, conversation_id, status, model, prompt_tokens, completion_tokens, usage_estimated, deadline_at),
      UPDATE (status, prompt_tokens, completion_tokens, usage_estimated, finished_at), DELETE
    ON messages TO arches_retention;
