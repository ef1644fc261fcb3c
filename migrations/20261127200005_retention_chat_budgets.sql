-- The sweeper settles the tokens of answers that have stopped.
GRANT INSERT ON token_budgets TO arches_retention;
GRANT INSERT, UPDATE ON usage_days TO arches_retention;
