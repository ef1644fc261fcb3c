-- Who did what, to what, from where, with what outcome. No foreign keys: an event outlives what it is about.
CREATE TABLE audit_events (
    id              uuid        PRIMARY KEY,
    occurred_at     timestamptz NOT NULL,
    action          text        NOT NULL,
    outcome         text        NOT NULL,
    actor_id        uuid,
    session_id      uuid,
    organization_id uuid,
    target_id       uuid,
    ip_address      text,
    request_id      text        NOT NULL,
    CONSTRAINT audit_events_outcome_check CHECK (outcome IN ('success', 'denied'))
);

CREATE INDEX audit_events_actor_id_id_idx ON audit_events (actor_id, id DESC);

-- Append only: the functions can neither change nor remove what they wrote.
GRANT SELECT, INSERT ON audit_events TO arches_app;
