-- no-transaction
CREATE INDEX CONCURRENTLY organizations_deleted_at_id_idx ON organizations (deleted_at, id) WHERE deleted_at IS NOT NULL;
