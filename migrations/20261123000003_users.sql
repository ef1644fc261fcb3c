CREATE TABLE users (
    id                uuid        PRIMARY KEY,
    name              text        NOT NULL,
    email             text        NOT NULL,
    email_verified_at timestamptz,
    image             text,
    phone             text,
    -- An argon2id hash in PHC format; null for someone who signs in without a password.
    password_hash     text,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    deleted_at        timestamptz,
    -- Counts every change, so that an ETag can be compared with `If-Match`.
    version           bigint      NOT NULL DEFAULT 1,
    CONSTRAINT users_name_check CHECK (length(name) BETWEEN 1 AND 100),
    CONSTRAINT users_email_check CHECK (length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_image_check CHECK (length(image) <= 2048),
    CONSTRAINT users_phone_check CHECK (length(phone) <= 16)
);

-- An address belongs to one living user, whatever its case; a deleted user's address may be used again.
-- Named so that the code can turn its violation into a 409; see `store::users::insert`.
CREATE UNIQUE INDEX users_email_key ON users (lower(email)) WHERE deleted_at IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON users TO arches_app;
