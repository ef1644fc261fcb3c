-- The time of the last change or removal of the password: devices that signed in before are unknown.
ALTER TABLE users ADD COLUMN devices_forgotten_at timestamptz;

-- With the rest of the user whom it erases.
GRANT SELECT (devices_forgotten_at) ON users TO arches_retention;
