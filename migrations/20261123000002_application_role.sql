-- What the functions may do, whoever they log in as: a login role is made a member of this one. Roles belong
-- to the server, not to one database, so it may be there already.
DO $$
BEGIN
    CREATE ROLE arches_app NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
