-- no-transaction
CREATE INDEX CONCURRENTLY organizations_billing_email_idx ON organizations (lower(billing_email));
