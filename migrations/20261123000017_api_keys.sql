-- Credentials of programs. They belong to an organization, and outlive whoever made them.
CREATE TABLE api_keys (
    id                   uuid        PRIMARY KEY,
    organization_id      uuid        NOT NULL,
    name                 text        NOT NULL,
    scopes               text[]      NOT NULL,
    -- SHA-256 of 256 random bits; and of those before them, valid until `previous_expires_at`.
    secret_hash          bytea       NOT NULL,
    previous_secret_hash bytea,
    previous_expires_at  timestamptz,
    created_by           uuid,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    expires_at           timestamptz,
    last_used_at         timestamptz,
    revoked_at           timestamptz,
    version              bigint      NOT NULL DEFAULT 1,
    CONSTRAINT api_keys_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT api_keys_created_by_fkey FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT api_keys_name_check CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT api_keys_previous_check CHECK ((previous_secret_hash IS NULL) = (previous_expires_at IS NULL))
);

CREATE INDEX api_keys_organization_id_id_idx ON api_keys (organization_id, id DESC);
CREATE INDEX api_keys_created_by_idx ON api_keys (created_by);

GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO arches_app;
