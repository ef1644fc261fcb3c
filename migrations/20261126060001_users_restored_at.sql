-- The time of the last restore by an administrator: an address that was never verified has 30 days from then.
ALTER TABLE users ADD COLUMN restored_at timestamptz;
