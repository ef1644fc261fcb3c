-- no-transaction
CREATE INDEX CONCURRENTLY members_user_id_organization_id_idx ON members (user_id, organization_id);
