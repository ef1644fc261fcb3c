-- Names with which members group artifacts.
CREATE TABLE labels (
    id              uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    name            text        NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    version         bigint      NOT NULL DEFAULT 1,
    CONSTRAINT labels_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT labels_name_check CHECK (length(name) BETWEEN 1 AND 100)
);

CREATE UNIQUE INDEX labels_organization_id_name_key ON labels (organization_id, lower(name));
CREATE INDEX labels_organization_id_id_idx ON labels (organization_id, id DESC);

GRANT SELECT, INSERT, UPDATE, DELETE ON labels TO arches_app;
