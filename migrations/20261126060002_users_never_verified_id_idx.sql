-- no-transaction
CREATE INDEX CONCURRENTLY users_never_verified_id_idx ON users (greatest(created_at, restored_at), id)
    WHERE email_verified_at IS NULL AND deleted_at IS NULL;
