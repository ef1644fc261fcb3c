-- The models whose vectors are stored. Vectors of two models cannot be compared.
CREATE TABLE embedding_spaces (
    id         smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model      text     NOT NULL,
    dimensions integer  NOT NULL,
    CONSTRAINT embedding_spaces_model_dimensions_key UNIQUE (model, dimensions),
    CONSTRAINT embedding_spaces_dimensions_check CHECK (dimensions BETWEEN 1 AND 768)
);

GRANT SELECT, INSERT ON embedding_spaces TO arches_app;
