-- With which factors the session was opened. Empty: by code that did not record it; counts as one factor.
ALTER TABLE sessions ADD COLUMN factors text[] NOT NULL DEFAULT '{}';
