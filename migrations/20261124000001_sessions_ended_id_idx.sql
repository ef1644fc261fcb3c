-- no-transaction
CREATE INDEX CONCURRENTLY sessions_ended_id_idx ON sessions (least(revoked_at, expires_at, last_used_at), id);
