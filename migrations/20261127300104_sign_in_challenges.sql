-- Sign-ins that wait for the second factor. One that ends is deleted.
CREATE TABLE sign_in_challenges (
    id           uuid        PRIMARY KEY,
    user_id      uuid        NOT NULL,
    -- SHA-256 of 256 random bits.
    token_hash   bytea       NOT NULL,
    -- The factor with which the sign-in began.
    first_factor text        NOT NULL,
    -- Wrong codes are limited.
    guesses      integer     NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    CONSTRAINT sign_in_challenges_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT sign_in_challenges_token_hash_key UNIQUE (token_hash)
);

CREATE INDEX sign_in_challenges_user_id_idx ON sign_in_challenges (user_id);
CREATE INDEX sign_in_challenges_expires_at_id_idx ON sign_in_challenges (expires_at, id);

GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_challenges TO arches_app;
-- To delete expired ones. A lock needs the right to update a column.
GRANT SELECT (id, user_id, expires_at), UPDATE (id), DELETE ON sign_in_challenges TO arches_retention;
