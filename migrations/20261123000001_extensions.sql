-- Vectors for semantic search; statement statistics for the runbooks.
CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
