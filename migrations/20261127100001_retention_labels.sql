-- To delete the labels of an organization whose only member is erased, while a legal hold keeps the organization.
GRANT SELECT (organization_id), DELETE ON labels TO arches_retention;
