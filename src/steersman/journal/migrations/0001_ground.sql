-- Entries, runs, approvals, leases, ledger. SQL that SQLite and PostgreSQL both read.
CREATE TABLE entries (
    seq BIGINT NOT NULL PRIMARY KEY,
    run_id TEXT NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    ref TEXT,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX entries_run ON entries (run_id, seq);
CREATE INDEX entries_ref ON entries (run_id, ref, seq) WHERE ref IS NOT NULL;
CREATE TABLE runs (
    run_id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    moved_at TEXT NOT NULL
);
CREATE INDEX runs_first ON runs (first_seq);
CREATE TABLE approvals (
    approval_id TEXT NOT NULL PRIMARY KEY,
    run_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    asked_seq BIGINT NOT NULL,
    body TEXT NOT NULL,
    signature TEXT NOT NULL
);
CREATE INDEX approvals_run ON approvals (run_id, subject);
CREATE INDEX approvals_open ON approvals (asked_seq) WHERE is_open = 1;
CREATE TABLE votes (
    approval_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (approval_id, seq)
);
CREATE TABLE leases (
    run_id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
CREATE TABLE ledger (
    run_id TEXT NOT NULL,
    account TEXT NOT NULL,
    calls BIGINT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    tokens BIGINT NOT NULL,
    money_usd DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run_id, account)
);
