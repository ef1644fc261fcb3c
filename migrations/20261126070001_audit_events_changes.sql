-- The changed fields, by name. Roles, scopes and states have their values before and after; personal data is never here.
ALTER TABLE audit_events ADD COLUMN changes jsonb;
