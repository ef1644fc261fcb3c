-- Through which API key, where it was not a person.
ALTER TABLE audit_events ADD COLUMN api_key_id uuid;
