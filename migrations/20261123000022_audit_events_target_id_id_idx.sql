-- no-transaction
CREATE INDEX CONCURRENTLY audit_events_target_id_id_idx ON audit_events (target_id, id DESC);
