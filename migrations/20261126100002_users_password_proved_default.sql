-- For new rows.
ALTER TABLE users ALTER COLUMN password_proved SET DEFAULT false;
