-- Objects in S3 of which every version must go. No reference to an organization: they go after its purge too.
CREATE TABLE object_deletions (
    key    text        PRIMARY KEY,
    due_at timestamptz NOT NULL
);

CREATE INDEX object_deletions_due_at_idx ON object_deletions (due_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON object_deletions TO arches_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON object_deletions TO arches_retention;
