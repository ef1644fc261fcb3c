-- The passages that a model was given for an answer.
CREATE TABLE message_sources (
    id              uuid     PRIMARY KEY,
    organization_id uuid     NOT NULL,
    message_id      uuid     NOT NULL,
    -- Its number in the answer: [1].
    n               smallint NOT NULL,
    -- Null once the artifact is removed.
    artifact_id     uuid,
    -- No reference: an artifact that is processed again gets new chunks.
    chunk_id        uuid     NOT NULL,
    artifact_name   text     NOT NULL,
    page            integer,
    -- What the model was given. Null once the artifact is deleted.
    quote           text,
    CONSTRAINT message_sources_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT message_sources_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages (id) ON DELETE CASCADE,
    CONSTRAINT message_sources_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts (id) ON DELETE SET NULL,
    CONSTRAINT message_sources_message_id_n_key UNIQUE (message_id, n),
    CONSTRAINT message_sources_n_check CHECK (n BETWEEN 1 AND 50),
    CONSTRAINT message_sources_quote_check CHECK (length(quote) <= 10000)
);

CREATE INDEX message_sources_organization_id_idx ON message_sources (organization_id);
CREATE INDEX message_sources_artifact_id_idx ON message_sources (artifact_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON message_sources TO arches_app;
GRANT SELECT (id, organization_id, message_id), DELETE ON message_sources TO arches_retention;
