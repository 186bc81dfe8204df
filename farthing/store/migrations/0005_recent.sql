-- What has settled lately is looked for again at a start: the chain may have taken it back.
CREATE INDEX intents_settled ON intents (network, ended_at) WHERE state = 'settled';
