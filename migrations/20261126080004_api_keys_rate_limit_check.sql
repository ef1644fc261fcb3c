ALTER TABLE api_keys VALIDATE CONSTRAINT api_keys_rate_limit_check;
