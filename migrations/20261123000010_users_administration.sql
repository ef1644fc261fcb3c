-- What administrators of the system do to accounts.
ALTER TABLE users
    ADD COLUMN system_administrator boolean NOT NULL DEFAULT false,
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN suspended_reason text,
    -- While it lasts, nothing of this user may be erased.
    ADD COLUMN legal_hold_at timestamptz,
    ADD COLUMN legal_hold_reason text,
    -- When every personal column was overwritten.
    ADD COLUMN erased_at timestamptz,
    ADD CONSTRAINT users_suspended_check CHECK ((suspended_at IS NULL) = (suspended_reason IS NULL)) NOT VALID,
    ADD CONSTRAINT users_legal_hold_check CHECK ((legal_hold_at IS NULL) = (legal_hold_reason IS NULL)) NOT VALID,
    ADD CONSTRAINT users_erased_at_check CHECK (erased_at IS NULL OR deleted_at IS NOT NULL) NOT VALID;
