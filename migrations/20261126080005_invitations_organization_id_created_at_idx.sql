-- no-transaction
CREATE INDEX CONCURRENTLY invitations_organization_id_created_at_idx ON invitations (organization_id, created_at);
