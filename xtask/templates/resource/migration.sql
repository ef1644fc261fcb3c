CREATE TABLE %snakes% (
    id              uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    name            text        NOT NULL,
    -- Null if an API key created it.
    created_by      uuid,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    version         bigint      NOT NULL DEFAULT 1,
    CONSTRAINT %snakes%_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT %snakes%_created_by_fkey FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT %snakes%_name_check CHECK (length(name) BETWEEN 1 AND 100)
);

CREATE INDEX %snakes%_organization_id_id_idx ON %snakes% (organization_id, id DESC);
CREATE INDEX %snakes%_created_by_idx ON %snakes% (created_by);

GRANT SELECT, INSERT, UPDATE, DELETE ON %snakes% TO arches_app;
-- What the erasure of a user reads and overwrites (the register of personal data).
GRANT SELECT (organization_id, name, created_by, version), UPDATE (name, created_by, version) ON %snakes% TO arches_retention;
