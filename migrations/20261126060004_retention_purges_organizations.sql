-- To purge deleted organizations: their members, invitations and API keys go with them (ON DELETE CASCADE).
GRANT DELETE ON organizations TO arches_retention;
-- To find the rows of users under a legal hold, which keep an organization.
GRANT SELECT (organization_id) ON invitations, api_keys TO arches_retention;
-- To find accounts whose address was never verified.
GRANT SELECT (restored_at) ON users TO arches_retention;
