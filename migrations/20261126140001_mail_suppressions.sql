-- Addresses to which no mail is sent: mail to them bounced, or its reader complained.
CREATE TABLE mail_suppressions (
    -- In lower case. Not a reference to a user: invitations go to addresses without an account.
    address   text        PRIMARY KEY CHECK (address = lower(address)),
    reason    text        NOT NULL CHECK (reason IN ('bounce', 'complaint')),
    -- When the bounce or the complaint happened.
    since     timestamptz NOT NULL,
    -- Mail is sent again since then. The row stays, so that an event from before, delivered late or twice, changes nothing.
    lifted_at timestamptz
);

CREATE INDEX mail_suppressions_since_address_idx ON mail_suppressions (since, address);

GRANT SELECT, INSERT, UPDATE, DELETE ON mail_suppressions TO arches_app;
-- To remove rows after a year and at the erasure of a user. A lock needs the right to update a column.
GRANT SELECT, DELETE, UPDATE (address) ON mail_suppressions TO arches_retention;
