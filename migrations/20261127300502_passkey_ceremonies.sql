-- Ceremonies (WebAuthn Level 3, 7) that have begun: from the options to the code that `auth` takes.
CREATE TABLE passkey_ceremonies (
    id           uuid        PRIMARY KEY,
    purpose      text        NOT NULL,
    -- The user who adds a passkey. At a sign-in: the user of the passkey, once it is verified.
    user_id      uuid,
    -- The passkey that signed in. Without it, the code does not work.
    passkey_id   uuid,
    -- SHA-256 of the token, 256 random bits.
    token_hash   bytea       NOT NULL,
    -- Encrypted: the challenge, and what was asked for.
    sealed       bytea       NOT NULL,
    -- SHA-256 of the code for `auth`.
    code_hash    bytea,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    -- A credential was presented.
    consumed_at  timestamptz,
    -- The code was used.
    exchanged_at timestamptz,
    CONSTRAINT passkey_ceremonies_purpose_check CHECK (purpose IN ('add', 'sign_in')),
    CONSTRAINT passkey_ceremonies_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT passkey_ceremonies_passkey_id_fkey FOREIGN KEY (passkey_id) REFERENCES passkeys (id) ON DELETE CASCADE,
    CONSTRAINT passkey_ceremonies_token_hash_key UNIQUE (token_hash),
    CONSTRAINT passkey_ceremonies_code_hash_key UNIQUE (code_hash)
);

CREATE INDEX passkey_ceremonies_user_id_idx ON passkey_ceremonies (user_id);
CREATE INDEX passkey_ceremonies_passkey_id_idx ON passkey_ceremonies (passkey_id);
CREATE INDEX passkey_ceremonies_expires_at_id_idx ON passkey_ceremonies (expires_at, id);

GRANT SELECT, INSERT, UPDATE, DELETE ON passkey_ceremonies TO arches_app;
-- To remove what has expired, and what belongs to a user who is erased. A lock needs the right to update a column.
GRANT SELECT (id, user_id, expires_at), DELETE, UPDATE (id) ON passkey_ceremonies TO arches_retention;
