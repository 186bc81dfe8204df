-- Entries: everything that touched money, in the order in which it happened. Body: canonical JSON (docs/wallet.md). Hash:
-- SHA-256 of the body, in lower-case hex with 0x. The other columns are read from the body, so that there is one truth.
CREATE TABLE entries (
    seq          INTEGER PRIMARY KEY,
    hash         TEXT NOT NULL,
    body         TEXT NOT NULL,
    time         INTEGER GENERATED ALWAYS AS (json_extract(body, '$.time')) VIRTUAL,
    kind         TEXT GENERATED ALWAYS AS (json_extract(body, '$.kind')) VIRTUAL,
    vendor       TEXT GENERATED ALWAYS AS (json_extract(body, '$.vendor')) VIRTUAL,
    task         TEXT GENERATED ALWAYS AS (json_extract(body, '$.task')) VIRTUAL,
    payer        TEXT GENERATED ALWAYS AS (json_extract(body, '$.payer')) VIRTUAL,
    verdict      TEXT GENERATED ALWAYS AS (json_extract(body, '$.verdict')) VIRTUAL,
    decision     INTEGER GENERATED ALWAYS AS (json_extract(body, '$.decision')) VIRTUAL
);
CREATE INDEX entries_time ON entries (time);
CREATE INDEX entries_kind ON entries (kind);
CREATE INDEX entries_vendor ON entries (vendor) WHERE vendor IS NOT NULL;
CREATE INDEX entries_task ON entries (task) WHERE task IS NOT NULL;
CREATE INDEX entries_decision ON entries (decision) WHERE decision IS NOT NULL;
-- One line each: nothing is altered, nothing is removed, nothing is left out or put between.
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entries_in_order BEFORE INSERT ON entries WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM entries) BEGIN SELECT RAISE(ABORT, 'the ledger has no gaps'); END;
-- Reserved: decisions that allowed a payment which is neither settled nor released yet. Follows from the entries.
CREATE TABLE reserved (
    seq          INTEGER PRIMARY KEY
);
-- Checkpoints: what somebody made of all entries up to this one. Hash: of that entry. Sum: SHA-256 of hash and text.
CREATE TABLE checkpoints (
    seq          INTEGER PRIMARY KEY,
    hash         TEXT NOT NULL,
    text         TEXT NOT NULL,
    sum          TEXT NOT NULL
);
