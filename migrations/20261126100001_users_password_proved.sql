-- Whether a person who had proved the address set the password. If not, a sign-in by mail removes the password. The constant default
-- is the value of the rows that exist: nothing records who set their passwords. It counts only while the address is verified.
ALTER TABLE users ADD COLUMN password_proved boolean NOT NULL DEFAULT true;

-- `retention` erases it together with the password.
GRANT UPDATE (password_proved) ON users TO arches_retention;
