-- Since when members need a second factor; null if they need none.
ALTER TABLE organizations ADD COLUMN second_factor_from timestamptz;
