-- The link that adds an identity to an account.
ALTER TABLE verification_tokens
    -- The new constraint allows more than the old one.
    -- squawk-ignore ban-drop-constraint
    DROP CONSTRAINT verification_tokens_purpose_check,
    ADD CONSTRAINT verification_tokens_purpose_check CHECK (
        purpose IN (
            'verify_email', 'reset_password', 'change_email', 'magic_link', 'undo_email_change', 'reject_sign_in',
            'link_identity'
        )
    ) NOT VALID;
