-- Proofs that a person reads an address, mailed as a link.
CREATE TABLE verification_tokens (
    id          uuid        PRIMARY KEY,
    user_id     uuid        NOT NULL,
    -- The address the proof is for: a changed address makes it worthless.
    email       text        NOT NULL,
    -- SHA-256 of 256 random bits: nothing to guess, so no key and no salt.
    token_hash  bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    consumed_at timestamptz,
    CONSTRAINT verification_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT verification_tokens_token_hash_key UNIQUE (token_hash)
);

CREATE INDEX verification_tokens_user_id_idx ON verification_tokens (user_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON verification_tokens TO arches_app;
