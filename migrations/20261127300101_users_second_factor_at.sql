-- Since when a sign-in of the user needs a second factor. In this row, so that a transaction that locks the row sees it.
ALTER TABLE users ADD COLUMN second_factor_at timestamptz;

-- To erase it.
GRANT SELECT (second_factor_at), UPDATE (second_factor_at) ON users TO arches_retention;
