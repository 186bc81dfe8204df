-- Reservations: what of a payer's balance the payments hold that a node has verified or is settling, for the other nodes.
-- Amount: a decimal number of up to 256 bits. Until: by the clock of the store, in milliseconds.
CREATE TABLE reservations (
    network      TEXT NOT NULL,
    token        TEXT NOT NULL,
    payer        TEXT NOT NULL,
    nonce        TEXT NOT NULL,
    node         TEXT NOT NULL,
    amount       TEXT NOT NULL,
    until_ms     BIGINT NOT NULL,
    PRIMARY KEY (network, token, payer, nonce, node)
);
CREATE INDEX reservations_until ON reservations (until_ms);
