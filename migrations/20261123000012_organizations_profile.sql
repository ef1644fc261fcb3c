ALTER TABLE organizations
    ADD COLUMN logo text,
    ADD COLUMN billing_email text,
    -- Set by billing alone, never by a request.
    ADD COLUMN plan text NOT NULL DEFAULT 'free',
    ADD CONSTRAINT organizations_logo_check CHECK (length(logo) <= 2048) NOT VALID,
    ADD CONSTRAINT organizations_billing_email_check CHECK (length(billing_email) BETWEEN 3 AND 254) NOT VALID,
    ADD CONSTRAINT organizations_plan_check CHECK (plan IN ('free', 'team', 'enterprise')) NOT VALID;
