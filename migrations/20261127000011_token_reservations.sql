-- One row for each call in progress. Its tokens are part of `token_budgets.reserved`.
CREATE TABLE token_reservations (
    id              uuid        PRIMARY KEY,
    organization_id uuid        NOT NULL,
    month           date        NOT NULL,
    tokens          bigint      NOT NULL,
    -- A call that has not ended by then is dead.
    expires_at      timestamptz NOT NULL,
    CONSTRAINT token_reservations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT token_reservations_organization_id_month_fkey FOREIGN KEY (organization_id, month)
        REFERENCES token_budgets (organization_id, month) ON DELETE CASCADE,
    CONSTRAINT token_reservations_tokens_check CHECK (tokens >= 0)
);

CREATE INDEX token_reservations_organization_id_month_idx ON token_reservations (organization_id, month);
CREATE INDEX token_reservations_expires_at_idx ON token_reservations (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON token_reservations TO arches_app;
GRANT SELECT, DELETE ON token_reservations TO arches_retention;
