-- The API key that sent the invitation. No foreign key: if the key does not exist, nobody can accept the invitation.
ALTER TABLE invitations ADD COLUMN invited_by_key uuid;
