-- The meaning of chunks. A table of its own: a row of `chunks` stays small, and a chunk can have a vector of each model.
CREATE TABLE chunk_vectors (
    chunk_id        uuid         NOT NULL,
    organization_id uuid         NOT NULL,
    artifact_id     uuid         NOT NULL,
    space           smallint     NOT NULL,
    -- Of length 1; shorter vectors end with zeros.
    embedding       halfvec(768) NOT NULL,
    -- The signs of the embedding: finds candidates among many rows.
    code            bit(768)     NOT NULL GENERATED ALWAYS AS (binary_quantize(embedding)::bit(768)) STORED,
    CONSTRAINT chunk_vectors_pkey PRIMARY KEY (chunk_id, space),
    CONSTRAINT chunk_vectors_chunk_id_fkey FOREIGN KEY (chunk_id) REFERENCES chunks (id) ON DELETE CASCADE,
    CONSTRAINT chunk_vectors_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT chunk_vectors_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts (id) ON DELETE CASCADE,
    CONSTRAINT chunk_vectors_space_fkey FOREIGN KEY (space) REFERENCES embedding_spaces (id)
)
-- Index-only scans of the codes need pages that are known to be visible to all.
WITH (autovacuum_vacuum_insert_scale_factor = 0.02);

CREATE INDEX chunk_vectors_organization_id_space_idx ON chunk_vectors (organization_id, space) INCLUDE (chunk_id, artifact_id, code);
CREATE INDEX chunk_vectors_artifact_id_idx ON chunk_vectors (artifact_id);
CREATE INDEX chunk_vectors_space_idx ON chunk_vectors (space);

GRANT SELECT, INSERT, UPDATE, DELETE ON chunk_vectors TO arches_app;
GRANT SELECT, DELETE ON chunk_vectors TO arches_retention;
