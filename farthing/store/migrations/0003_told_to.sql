-- Who heard of a settlement, when it has a name: only that one may hear of it again.
ALTER TABLE intents ADD COLUMN told_to TEXT NOT NULL DEFAULT '';
