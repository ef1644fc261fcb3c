-- Tokens of language models that an organization has used in a month, and those that calls in progress may still use.
CREATE TABLE token_budgets (
    organization_id uuid   NOT NULL,
    -- The first day of the month, in UTC.
    month           date   NOT NULL,
    used            bigint NOT NULL DEFAULT 0,
    reserved        bigint NOT NULL DEFAULT 0,
    CONSTRAINT token_budgets_pkey PRIMARY KEY (organization_id, month),
    CONSTRAINT token_budgets_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT token_budgets_check CHECK (used >= 0 AND reserved >= 0)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON token_budgets TO arches_app;
GRANT SELECT, UPDATE, DELETE ON token_budgets TO arches_retention;
