-- no-transaction
CREATE INDEX CONCURRENTLY audit_events_occurred_at_id_idx ON audit_events (occurred_at, id);
