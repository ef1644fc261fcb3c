-- no-transaction
CREATE INDEX CONCURRENTLY users_standing_id_idx ON users ((CASE WHEN erased_at IS NOT NULL THEN 'erased'
                                                               WHEN deleted_at IS NOT NULL THEN 'deleted'
                                                               WHEN suspended_at IS NOT NULL THEN 'suspended'
                                                               ELSE 'active' END), id);
