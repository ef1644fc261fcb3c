-- no-transaction
CREATE INDEX CONCURRENTLY verification_tokens_expires_at_id_idx ON verification_tokens (expires_at, id);
