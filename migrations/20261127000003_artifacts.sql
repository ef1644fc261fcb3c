-- Documents of an organization. Their bytes are objects in S3.
CREATE TABLE artifacts (
    id                uuid        PRIMARY KEY,
    organization_id   uuid        NOT NULL,
    name              text        NOT NULL,
    description       text,
    media_type        text        NOT NULL,
    byte_size         bigint      NOT NULL,
    -- SHA-256 of the bytes, as the client announced it. Storage refuses others.
    sha256            bytea       NOT NULL,
    -- The upload that counts. Part of the keys of its objects.
    generation        integer     NOT NULL DEFAULT 1,
    status            text        NOT NULL DEFAULT 'pending',
    -- The step, while it is processed.
    stage             text,
    -- The reason of `failed`: a code, and a sentence if there is more to say.
    failure           text,
    failure_detail    text,
    -- How often the sweeper has sent it again since its last progress.
    attempts          integer     NOT NULL DEFAULT 0,
    -- Until then one delivery works on it, and others wait.
    lease_until       timestamptz,
    chunks_done       integer     NOT NULL DEFAULT 0,
    chunks_total      integer     NOT NULL DEFAULT 0,
    -- The text search configuration of its chunks, and the version of the code that cut them.
    language          text,
    chunker           smallint,
    duplicate_allowed boolean     NOT NULL DEFAULT false,
    -- Null after the erasure of the user, and if an API key created it.
    created_by        uuid,
    created_by_key    uuid,
    -- The time of the last progress.
    progressed_at     timestamptz NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    indexed_at        timestamptz,
    deleted_at        timestamptz,
    version           bigint      NOT NULL DEFAULT 1,
    CONSTRAINT artifacts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT artifacts_created_by_fkey FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT artifacts_created_by_key_fkey FOREIGN KEY (created_by_key) REFERENCES api_keys (id) ON DELETE SET NULL,
    CONSTRAINT artifacts_name_check CHECK (length(name) BETWEEN 1 AND 255),
    CONSTRAINT artifacts_description_check CHECK (length(description) BETWEEN 1 AND 2000),
    CONSTRAINT artifacts_byte_size_check CHECK (byte_size BETWEEN 0 AND 104857600),
    CONSTRAINT artifacts_sha256_check CHECK (length(sha256) = 32),
    CONSTRAINT artifacts_status_check CHECK (status IN ('pending', 'processing', 'ready', 'failed', 'expired')),
    CONSTRAINT artifacts_stage_check CHECK (stage IN ('extracting', 'indexing')),
    CONSTRAINT artifacts_stage_status_check CHECK ((stage IS NOT NULL) = (status = 'processing')),
    CONSTRAINT artifacts_failure_check CHECK ((failure IS NOT NULL) = (status = 'failed'))
);

CREATE INDEX artifacts_organization_id_id_idx ON artifacts (organization_id, id DESC);
-- What the sweeper looks at.
CREATE INDEX artifacts_status_progressed_at_idx ON artifacts (status, progressed_at) WHERE status IN ('pending', 'processing');
-- The same content once, unless the client wants it twice. A failed or expired upload does not count.
CREATE UNIQUE INDEX artifacts_organization_id_sha256_key ON artifacts (organization_id, sha256)
    WHERE deleted_at IS NULL AND status IN ('pending', 'processing', 'ready') AND NOT duplicate_allowed;
CREATE INDEX artifacts_created_by_idx ON artifacts (created_by);
CREATE INDEX artifacts_created_by_key_idx ON artifacts (created_by_key);
CREATE INDEX artifacts_deleted_at_idx ON artifacts (deleted_at) WHERE deleted_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON artifacts TO arches_app;
-- To bring an artifact that makes no progress to a final state, and to remove deleted ones and what erased users created.
GRANT SELECT, UPDATE, DELETE ON artifacts TO arches_retention;
