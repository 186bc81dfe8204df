-- An open intent belongs to one node; what was there before belongs to nobody and is adopted.
ALTER TABLE intents ADD COLUMN owner TEXT NOT NULL DEFAULT '';
-- Only what is unfinished is ever searched for, and that is little however much has ended.
DROP INDEX intents_unfinished;
CREATE INDEX intents_open ON intents (network, owner) WHERE state = 'open';
CREATE INDEX intents_unheard ON intents (network) WHERE state = 'settled' AND told = 0;
-- A transaction is kept once, however many payments it carries.
ALTER TABLE broadcasts RENAME TO broadcasts_before;
CREATE TABLE broadcasts (
    hash         TEXT NOT NULL PRIMARY KEY,
    signer       TEXT NOT NULL,
    account_nonce BIGINT NOT NULL,
    gas_limit    BIGINT NOT NULL,
    raw          TEXT NOT NULL
);
-- Place: of the transaction among those of a payment. Position: of the payment among those of a transaction.
CREATE TABLE carried (
    network      TEXT NOT NULL,
    token        TEXT NOT NULL,
    payer        TEXT NOT NULL,
    nonce        TEXT NOT NULL,
    hash         TEXT NOT NULL,
    place        INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    PRIMARY KEY (network, token, payer, nonce, hash)
);
CREATE INDEX carried_hash ON carried (hash);
INSERT INTO broadcasts (hash, signer, account_nonce, gas_limit, raw)
    SELECT hash, MIN(signer), MIN(account_nonce), MIN(gas_limit), MIN(raw) FROM broadcasts_before GROUP BY hash;
INSERT INTO carried (network, token, payer, nonce, hash, place, position)
    SELECT network, token, payer, nonce, hash, MIN(place), 0 FROM broadcasts_before
    GROUP BY network, token, payer, nonce, hash;
DROP TABLE broadcasts_before;
-- Leases: what one node at a time may use, and until when by the clock of the store, in milliseconds.
CREATE TABLE leases (
    name         TEXT NOT NULL PRIMARY KEY,
    holder       TEXT NOT NULL,
    until_ms     BIGINT NOT NULL
);
