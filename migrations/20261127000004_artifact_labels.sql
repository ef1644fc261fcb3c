CREATE TABLE artifact_labels (
    artifact_id     uuid NOT NULL,
    label_id        uuid NOT NULL,
    organization_id uuid NOT NULL,
    CONSTRAINT artifact_labels_pkey PRIMARY KEY (artifact_id, label_id),
    CONSTRAINT artifact_labels_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts (id) ON DELETE CASCADE,
    CONSTRAINT artifact_labels_label_id_fkey FOREIGN KEY (label_id) REFERENCES labels (id) ON DELETE CASCADE,
    CONSTRAINT artifact_labels_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

CREATE INDEX artifact_labels_label_id_artifact_id_idx ON artifact_labels (label_id, artifact_id);
CREATE INDEX artifact_labels_organization_id_idx ON artifact_labels (organization_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON artifact_labels TO arches_app;
