CREATE TABLE organizations (
    id            uuid        PRIMARY KEY,
    name          text        NOT NULL,
    slug          text        NOT NULL,
    -- Whose own space this is; null for a team's organization.
    personal_to   uuid,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz,
    version       bigint      NOT NULL DEFAULT 1,
    CONSTRAINT organizations_personal_to_fkey FOREIGN KEY (personal_to) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT organizations_slug_key UNIQUE (slug),
    CONSTRAINT organizations_personal_to_key UNIQUE (personal_to),
    CONSTRAINT organizations_name_check CHECK (length(name) BETWEEN 1 AND 120),
    CONSTRAINT organizations_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')
);

CREATE TABLE members (
    organization_id uuid        NOT NULL,
    user_id         uuid        NOT NULL,
    role            text        NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    version         bigint      NOT NULL DEFAULT 1,
    CONSTRAINT members_pkey PRIMARY KEY (organization_id, user_id),
    CONSTRAINT members_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT members_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT members_role_check CHECK (role IN ('owner', 'admin', 'member'))
);

CREATE INDEX members_user_id_idx ON members (user_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON organizations, members TO arches_app;
