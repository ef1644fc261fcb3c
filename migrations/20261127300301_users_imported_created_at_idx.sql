-- no-transaction
CREATE INDEX CONCURRENTLY users_imported_created_at_idx ON users (created_at) WHERE password_hash LIKE '$imported$%' AND deleted_at IS NULL;
