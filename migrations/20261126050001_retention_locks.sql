-- `retention` locks before it deletes: rows that no other transaction has locked, and the organizations of a user whom it erases.
-- A lock needs the right to update a column. It may delete these rows anyway.
GRANT UPDATE (id) ON sessions TO arches_retention;
GRANT UPDATE (id) ON verification_tokens TO arches_retention;
GRANT UPDATE (key_hash) ON idempotency_records TO arches_retention;
GRANT SELECT (organization_id) ON invitations TO arches_retention;
GRANT SELECT (organization_id) ON api_keys TO arches_retention;
