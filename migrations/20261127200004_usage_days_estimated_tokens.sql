-- How many of the tokens the model did not report: they are estimated.
ALTER TABLE usage_days ADD COLUMN estimated_tokens bigint NOT NULL DEFAULT 0;
