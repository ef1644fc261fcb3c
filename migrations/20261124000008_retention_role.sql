-- What `retention` may do, whoever it logs in as. Roles belong to the server, not to one database, so it may be there already.
DO $$
BEGIN
    CREATE ROLE arches_retention NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

-- To find what is past its time, and to remove it: of rows with a secret, not the secret.
GRANT SELECT (id, user_id, revoked_at, expires_at, last_used_at), DELETE ON sessions TO arches_retention;
GRANT SELECT (id, user_id, expires_at), DELETE ON verification_tokens TO arches_retention;
GRANT SELECT (id, email, status, expires_at), DELETE ON invitations TO arches_retention;
GRANT SELECT (key_hash, expires_at), DELETE ON idempotency_records TO arches_retention;
GRANT SELECT (id, occurred_at, actor_id, target_id), INSERT, DELETE ON audit_events TO arches_retention;

-- To erase a user as the register of personal data says. It can neither add rows, nor touch a legal hold, nor read the hash of
-- a password.
GRANT SELECT (id, name, email, email_verified_at, image, phone, created_at, updated_at, deleted_at, version,
              system_administrator, suspended_at, suspended_reason, legal_hold_at, legal_hold_reason, erased_at),
      UPDATE (name, email, email_verified_at, image, phone, password_hash, updated_at, deleted_at, version,
              system_administrator, suspended_reason, erased_at)
    ON users TO arches_retention;
GRANT SELECT, UPDATE (name, slug, logo, billing_email, updated_at, deleted_at, version) ON organizations TO arches_retention;
GRANT SELECT, DELETE ON members TO arches_retention;
GRANT UPDATE (email, status) ON invitations TO arches_retention;
GRANT SELECT (id, created_by), UPDATE (created_by) ON api_keys TO arches_retention;
