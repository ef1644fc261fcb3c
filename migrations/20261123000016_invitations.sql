-- Asking someone into an organization, by a mail to their address.
CREATE TABLE invitations (
    id              uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    email           text        NOT NULL,
    role            text        NOT NULL,
    -- SHA-256 of 256 random bits.
    token_hash      bytea       NOT NULL,
    -- Who asked; null when an API key did.
    invited_by      uuid,
    status          text        NOT NULL DEFAULT 'pending',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    version         bigint      NOT NULL DEFAULT 1,
    CONSTRAINT invitations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES users (id) ON DELETE SET NULL,
    CONSTRAINT invitations_token_hash_key UNIQUE (token_hash),
    CONSTRAINT invitations_email_check CHECK (length(email) BETWEEN 3 AND 254),
    CONSTRAINT invitations_role_check CHECK (role IN ('owner', 'admin', 'member')),
    CONSTRAINT invitations_status_check CHECK (status IN ('pending', 'accepted', 'declined', 'revoked', 'expired'))
);

-- One open invitation per address and organization; see `store::invitations::insert`.
CREATE UNIQUE INDEX invitations_organization_id_email_key ON invitations (organization_id, lower(email))
    WHERE status = 'pending';
CREATE INDEX invitations_organization_id_id_idx ON invitations (organization_id, id DESC);
CREATE INDEX invitations_email_idx ON invitations (lower(email));
CREATE INDEX invitations_invited_by_idx ON invitations (invited_by);

GRANT SELECT, INSERT, UPDATE, DELETE ON invitations TO arches_app;
