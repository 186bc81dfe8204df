-- Cursors: how far a reader of the entries has come. No part of the ledger: one that is lost is read again.
CREATE TABLE cursors (
    reader       TEXT PRIMARY KEY,
    seq          INTEGER NOT NULL
);
