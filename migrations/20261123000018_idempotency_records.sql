-- The first answer to a request with an `Idempotency-Key`, committed with what the request made.
CREATE TABLE idempotency_records (
    -- SHA-256 of who asked, what for, and their key.
    key_hash   bytea       PRIMARY KEY,
    -- The request's hash and the response, encrypted (AES-256-GCM): it may hold tokens.
    sealed     bytea       NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX idempotency_records_expires_at_idx ON idempotency_records (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_records TO arches_app;
