-- no-transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS organizations_name_idx ON organizations (lower(name));
