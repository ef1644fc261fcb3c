-- The text of artifacts, in pieces that a search returns.
CREATE TABLE chunks (
    id              uuid    PRIMARY KEY,
    organization_id uuid    NOT NULL,
    artifact_id     uuid    NOT NULL,
    -- Its place in the artifact, from 0.
    ordinal         integer NOT NULL,
    text            text    NOT NULL,
    heading         text,
    page            integer,
    -- Its first character in the text of the artifact, and the one after its last.
    starts          integer NOT NULL,
    ends            integer NOT NULL,
    -- Written by the `INSERT`, in the language of the artifact.
    terms           tsvector NOT NULL,
    CONSTRAINT chunks_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT chunks_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts (id) ON DELETE CASCADE,
    CONSTRAINT chunks_artifact_id_ordinal_key UNIQUE (artifact_id, ordinal)
);

CREATE INDEX chunks_organization_id_terms_idx ON chunks USING gin (organization_id, terms);

GRANT SELECT, INSERT, UPDATE, DELETE ON chunks TO arches_app;
GRANT SELECT, DELETE ON chunks TO arches_retention;
