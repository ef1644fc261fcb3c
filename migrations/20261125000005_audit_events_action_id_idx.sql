-- no-transaction
CREATE INDEX CONCURRENTLY audit_events_action_id_idx ON audit_events (action, id DESC);
