-- When a used or expired token was presented for the first time. The audit log has one event for each token, however often it is sent.
ALTER TABLE verification_tokens ADD COLUMN refused_at timestamptz;
