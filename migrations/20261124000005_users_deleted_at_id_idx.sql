-- no-transaction
CREATE INDEX CONCURRENTLY users_deleted_at_id_idx ON users (deleted_at, id) WHERE deleted_at IS NOT NULL AND erased_at IS NULL;
