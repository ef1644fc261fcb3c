-- Sign-ins with identity providers that have begun: from the way to the provider to the exchange of the code.
CREATE TABLE oauth_flows (
    id           uuid        PRIMARY KEY,
    provider     text        NOT NULL,
    purpose      text        NOT NULL,
    -- The user who links an identity, or to whom one is offered by mail. Nobody at a sign-in.
    user_id      uuid,
    -- SHA-256 of `state`, 256 random bits. Before a link has begun, of the token in its URL.
    state_hash   bytea       NOT NULL,
    -- SHA-256 of the cookie of the browser that began it.
    browser_hash bytea,
    -- Encrypted: the PKCE verifier and the nonce; after the callback, the identity.
    sealed       bytea,
    -- A path of the front end.
    return_to    text,
    -- SHA-256 of the code for the exchange, or of the token in the mail.
    code_hash    bytea,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    -- The provider has sent the browser back.
    consumed_at  timestamptz,
    -- The code was exchanged.
    exchanged_at timestamptz,
    CONSTRAINT oauth_flows_purpose_check CHECK (purpose IN ('sign_in', 'link', 'mail')),
    CONSTRAINT oauth_flows_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT oauth_flows_state_hash_key UNIQUE (state_hash),
    CONSTRAINT oauth_flows_code_hash_key UNIQUE (code_hash)
);

CREATE INDEX oauth_flows_user_id_idx ON oauth_flows (user_id);
CREATE INDEX oauth_flows_expires_at_id_idx ON oauth_flows (expires_at, id);

GRANT SELECT, INSERT, UPDATE, DELETE ON oauth_flows TO arches_app;
-- To remove what has expired, and what belongs to a user who is erased. A lock needs the right to update a column.
GRANT SELECT (id, user_id, expires_at), DELETE, UPDATE (id) ON oauth_flows TO arches_retention;
