-- An authenticator app: the seed of its codes (RFC 6238).
CREATE TABLE totp_factors (
    user_id      uuid        PRIMARY KEY,
    -- The seed, encrypted under the user's id. Its first four bytes name the key. `retention` encrypts it again with the current one.
    sealed       bytea       NOT NULL,
    created_at   timestamptz NOT NULL,
    -- Null until the user has shown a code: until then, no sign-in asks for one.
    confirmed_at timestamptz,
    -- The step of 30 s of the last code that was used. That code and those before it do not work any more.
    last_step    bigint      NOT NULL DEFAULT 0,
    CONSTRAINT totp_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

GRANT SELECT, INSERT, UPDATE, DELETE ON totp_factors TO arches_app;
-- To encrypt it with another key, and to erase it.
GRANT SELECT (user_id, sealed), UPDATE (sealed), DELETE ON totp_factors TO arches_retention;
