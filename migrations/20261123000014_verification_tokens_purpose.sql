-- One table for everything that is mailed to one person and used once; invitations have their own.
ALTER TABLE verification_tokens
    ADD COLUMN purpose text NOT NULL DEFAULT 'verify_email',
    -- A keyed hash (HMAC-SHA-256) of the six digits that stand in a magic link's mail: there are only a million of them.
    ADD COLUMN code_hash bytea,
    -- How often the digits were guessed at.
    ADD COLUMN code_attempts integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT verification_tokens_purpose_check
        CHECK (purpose IN ('verify_email', 'reset_password', 'change_email', 'magic_link')) NOT VALID;
