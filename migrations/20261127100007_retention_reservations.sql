-- The sweeper locks expired reservations before it deletes them, and skips those that a call is settling. A lock needs the right to
-- update a column.
GRANT UPDATE (id) ON token_reservations TO arches_retention;
