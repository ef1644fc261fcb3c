-- Passkeys (WebAuthn Level 3): one of the ways to sign in to an account, and a second factor.
CREATE TABLE passkeys (
    id              uuid        PRIMARY KEY,
    user_id         uuid        NOT NULL,
    -- Chosen by the authenticator. It finds the passkey at a sign-in without a name.
    credential_id   bytea       NOT NULL,
    -- JSON, as the library writes it; with the algorithm.
    public_key      text        NOT NULL,
    -- The last count of the authenticator. Passkeys that are synchronized always have 0.
    sign_count      bigint      NOT NULL,
    -- Whether it can be on several devices. That never changes.
    backup_eligible boolean     NOT NULL,
    -- Whether it was on several devices, or in a backup, when it was last used.
    backed_up       boolean     NOT NULL,
    name            text        NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    last_used_at    timestamptz,
    version         bigint      NOT NULL DEFAULT 1,
    CONSTRAINT passkeys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT passkeys_credential_id_key UNIQUE (credential_id)
);

CREATE INDEX passkeys_user_id_idx ON passkeys (user_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON passkeys TO arches_app;
-- To remove those of a user who is erased.
GRANT SELECT (id, user_id), DELETE ON passkeys TO arches_retention;
