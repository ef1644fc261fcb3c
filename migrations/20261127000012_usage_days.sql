-- What an organization has used of language models, by day.
CREATE TABLE usage_days (
    organization_id   uuid   NOT NULL,
    -- In UTC.
    day               date   NOT NULL,
    kind              text   NOT NULL,
    model             text   NOT NULL,
    prompt_tokens     bigint NOT NULL DEFAULT 0,
    completion_tokens bigint NOT NULL DEFAULT 0,
    -- Millionths of the currency of MODEL_PRICES.
    cost_micros       bigint NOT NULL DEFAULT 0,
    CONSTRAINT usage_days_pkey PRIMARY KEY (organization_id, day, kind, model),
    CONSTRAINT usage_days_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT usage_days_kind_check CHECK (kind IN ('embedding', 'query', 'chat'))
);

GRANT SELECT, INSERT, UPDATE, DELETE ON usage_days TO arches_app;
GRANT SELECT, DELETE ON usage_days TO arches_retention;
