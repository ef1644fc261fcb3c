-- The requests that the key may make per window, if an administrator has set a limit of its own.
ALTER TABLE api_keys
    ADD COLUMN rate_limit integer,
    ADD CONSTRAINT api_keys_rate_limit_check CHECK (rate_limit BETWEEN 1 AND 1000000) NOT VALID;
