-- no-transaction
CREATE INDEX CONCURRENTLY users_legal_hold_idx ON users (id) WHERE legal_hold_at IS NOT NULL;
