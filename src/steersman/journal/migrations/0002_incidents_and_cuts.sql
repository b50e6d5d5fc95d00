-- Incidents with their investigations, and the signed record of what retention has cut out of the chain.
CREATE TABLE incidents (
    incident_id TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    started_at TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    UNIQUE (fingerprint, started_at)
);
CREATE TABLE investigations (
    incident_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (incident_id, number)
);
CREATE TABLE cuts (
    first_seq BIGINT NOT NULL PRIMARY KEY,
    last_seq BIGINT NOT NULL,
    before_hash TEXT NOT NULL,
    last_hash TEXT NOT NULL,
    last_at TEXT NOT NULL,
    archive TEXT NOT NULL,
    at TEXT NOT NULL,
    signature TEXT NOT NULL
);
