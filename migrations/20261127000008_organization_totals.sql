-- What an organization has, for the limits of its plan. Changes only together with the rows it counts: those of artifacts that are
-- not deleted.
CREATE TABLE organization_totals (
    organization_id uuid    PRIMARY KEY,
    artifacts       bigint  NOT NULL DEFAULT 0,
    bytes           bigint  NOT NULL DEFAULT 0,
    chunks          bigint  NOT NULL DEFAULT 0,
    CONSTRAINT organization_totals_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT organization_totals_check CHECK (artifacts >= 0 AND bytes >= 0 AND chunks >= 0)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON organization_totals TO arches_app;
-- To count again every night.
GRANT SELECT, INSERT, UPDATE, DELETE ON organization_totals TO arches_retention;
