CREATE TABLE sessions (
    id                          uuid        PRIMARY KEY,
    user_id                     uuid        NOT NULL,
    -- Keyed hashes (HMAC-SHA-256) of the refresh token in use and of the one before it.
    refresh_token_hash          bytea       NOT NULL,
    previous_refresh_token_hash bytea,
    -- How often the refresh token was rotated; part of the token, so that an old one is known as old.
    generation                  integer     NOT NULL DEFAULT 0,
    rotated_at                  timestamptz NOT NULL,
    transport                   text        NOT NULL,
    user_agent                  text,
    ip_address                  text,
    created_at                  timestamptz NOT NULL,
    -- When the person last proved who they are, with a password or an equal of it.
    authenticated_at            timestamptz NOT NULL,
    last_used_at                timestamptz NOT NULL,
    -- Slides with every refresh, but never past `ends_at`.
    expires_at                  timestamptz NOT NULL,
    ends_at                     timestamptz NOT NULL,
    revoked_at                  timestamptz,
    revoked_reason              text,
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT sessions_refresh_token_hash_key UNIQUE (refresh_token_hash),
    CONSTRAINT sessions_transport_check CHECK (transport IN ('body', 'cookie')),
    CONSTRAINT sessions_expires_at_check CHECK (expires_at <= ends_at),
    CONSTRAINT sessions_revoked_reason_check CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL))
);

-- A person's sessions, newest first: ids are UUIDv7, so their order is the order of creation.
CREATE INDEX sessions_user_id_id_idx ON sessions (user_id, id DESC);

GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO arches_app;
