ALTER TABLE users VALIDATE CONSTRAINT users_suspended_check;
ALTER TABLE users VALIDATE CONSTRAINT users_legal_hold_check;
ALTER TABLE users VALIDATE CONSTRAINT users_erased_at_check;
