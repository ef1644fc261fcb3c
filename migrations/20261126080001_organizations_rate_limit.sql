-- The requests that each API key of the organization may make per window, if an administrator has set a limit.
ALTER TABLE organizations
    ADD COLUMN rate_limit integer,
    ADD CONSTRAINT organizations_rate_limit_check CHECK (rate_limit BETWEEN 1 AND 1000000) NOT VALID;
