-- Intents: every payment that was to be settled, and what became of it. Text is what JSON would hold: addresses and
-- hashes in lower-case hex with 0x, times in Unix seconds.
CREATE TABLE intents (
    network      TEXT NOT NULL,
    token        TEXT NOT NULL,
    payer        TEXT NOT NULL,
    nonce        TEXT NOT NULL,
    print        TEXT NOT NULL,
    payment      TEXT NOT NULL,
    state        TEXT NOT NULL,
    told         INTEGER NOT NULL,
    txn          TEXT NOT NULL,
    reason       TEXT NOT NULL,
    detail       TEXT NOT NULL,
    begun_at     BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL,
    PRIMARY KEY (network, token, payer, nonce)
);
CREATE INDEX intents_unfinished ON intents (network, state, told);
-- Broadcasts: every transaction that was signed for an intent, written before its bytes leave the process.
CREATE TABLE broadcasts (
    network      TEXT NOT NULL,
    token        TEXT NOT NULL,
    payer        TEXT NOT NULL,
    nonce        TEXT NOT NULL,
    place        INTEGER NOT NULL,
    signer       TEXT NOT NULL,
    account_nonce BIGINT NOT NULL,
    gas_limit    BIGINT NOT NULL,
    hash         TEXT NOT NULL,
    raw          TEXT NOT NULL,
    PRIMARY KEY (network, token, payer, nonce, place)
);
