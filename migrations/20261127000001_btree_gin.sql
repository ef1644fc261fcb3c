-- An index with the organization and the words of its chunks. The database counts it as trusted: its owner may create it.
CREATE EXTENSION IF NOT EXISTS btree_gin;
