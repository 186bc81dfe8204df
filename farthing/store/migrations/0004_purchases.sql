-- Purchases: payments that buy, or have bought, an answer of a gateway. A row is in hand while its owner lives; without
-- one it waits with what its gateway kept. Answer, receipt and payment are as that gateway wrote them. Until: in Unix
-- seconds, when it may be forgotten. Due: of a debt, when it is to be settled; 0 for none.
CREATE TABLE purchases (
    network      TEXT NOT NULL,
    token        TEXT NOT NULL,
    payer        TEXT NOT NULL,
    nonce        TEXT NOT NULL,
    state        TEXT NOT NULL,
    owner        TEXT NOT NULL,
    request      TEXT NOT NULL,
    answer       TEXT NOT NULL,
    receipt      TEXT NOT NULL,
    txn          TEXT NOT NULL,
    sent         INTEGER NOT NULL,
    idempotency  TEXT NOT NULL,
    payment      TEXT NOT NULL,
    due          BIGINT NOT NULL,
    until        BIGINT NOT NULL,
    PRIMARY KEY (network, token, payer, nonce)
);
CREATE INDEX purchases_until ON purchases (until);
CREATE INDEX purchases_due ON purchases (due) WHERE due > 0;
-- Barred: payers who did not pay what they were served on credit.
CREATE TABLE barred (
    payer        TEXT NOT NULL PRIMARY KEY,
    since        BIGINT NOT NULL
);
