-- no-transaction
CREATE INDEX CONCURRENTLY invitations_expires_at_id_idx ON invitations (expires_at, id);
