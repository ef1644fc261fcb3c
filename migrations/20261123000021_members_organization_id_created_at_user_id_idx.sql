-- no-transaction
CREATE INDEX CONCURRENTLY members_organization_id_created_at_user_id_idx ON members (organization_id, created_at, user_id);
