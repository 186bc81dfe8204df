-- What asks and what was refused is looked for while a payment is decided: without an index that would read everything.
CREATE INDEX entries_verdict ON entries (verdict) WHERE verdict IS NOT NULL;
