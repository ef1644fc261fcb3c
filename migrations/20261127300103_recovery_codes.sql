-- Codes that replace a lost second factor, each once. A used one is deleted.
CREATE TABLE recovery_codes (
    user_id    uuid        NOT NULL,
    -- A keyed hash of 80 random bits.
    code_hash  bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
    CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

GRANT SELECT, INSERT, DELETE ON recovery_codes TO arches_app;
-- To erase them.
GRANT SELECT (user_id), DELETE ON recovery_codes TO arches_retention;
