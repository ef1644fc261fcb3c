-- A person at an identity provider, such as Google: one of the ways to sign in to an account.
CREATE TABLE identities (
    id           uuid        PRIMARY KEY,
    user_id      uuid        NOT NULL,
    -- The name of the provider in the settings.
    provider     text        NOT NULL,
    -- These two say who the person is (OpenID Connect Core 1.0, 2). An address does not.
    issuer       text        NOT NULL,
    subject      text        NOT NULL,
    -- The address at the provider when the identity was last used, so that its user recognizes it. Nothing is decided by it.
    email        text,
    -- Whether it was linked by somebody who had proved the address of the account (docs/adr/0029-a-password-is-proved-or-removed.md).
    proved       boolean     NOT NULL,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    CONSTRAINT identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT identities_issuer_subject_key UNIQUE (issuer, subject)
);

CREATE INDEX identities_user_id_idx ON identities (user_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON identities TO arches_app;
-- To remove those of a user who is erased.
GRANT SELECT (id, user_id), DELETE ON identities TO arches_retention;
