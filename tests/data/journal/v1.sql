PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE approvals (
    approval_id TEXT NOT NULL PRIMARY KEY,
    run_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    asked_seq BIGINT NOT NULL,
    body TEXT NOT NULL,
    signature TEXT NOT NULL
);
INSERT INTO "approvals" VALUES('approval-00000000000000000000000000000001','run-1','sha256:930d4f99722cfa88c8de7e8c02de23547321cba7687b5fb348cbc832ac43f682',0,3,'{"environment":"sha256:79bdb33275339b1a01fba5b42805b3d07a0f0ef5df3a9601764ad0305e77eb7e","expires_at":"2026-11-25T12:15:00+00:00","id":"approval-00000000000000000000000000000001","policy_digest":"sha256:17ad92e63c962393c0329c658937d16eccaea13036412a3d1d0a5b6b8f29d738","requested_at":"2026-11-25T12:00:00+00:00","requester":"ann","requirement":{"count":1,"not_requester":false,"roles":["approver"]},"run_id":"run-1","scope":"plan","step_id":null,"subject":"sha256:930d4f99722cfa88c8de7e8c02de23547321cba7687b5fb348cbc832ac43f682","summary":"payments v2"}','fixture:a493f222f95c69add15a1c6846a48f2969459f115d98daddee3726fccba18246');
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
INSERT INTO "entries" VALUES(1,'run-1','2026-11-25T12:00:00.000000+00:00','run_planned',NULL,'{"kind":"run_planned","plan":{"schema_version":1,"goal":"chain of 3","scenario_id":null,"environment":{"kind":"shelf","name":"test","uid":"shelf-1","url":"memory://shelf","tier":"lab"},"parameters":{},"assumptions":[],"phases":["build","test","deploy","observe"],"steps":[{"id":"s000-create","phase":"deploy","operation":"shelf.create","version":1,"arguments":{"name":"n0","value":800},"needs":[],"preconditions":[],"postconditions":[],"inverse":{"operation":"shelf.delete","arguments":{"name":"n0"}},"timeout_s":5.0,"retry":{"attempts":1,"backoff_s":0.5},"hold":null,"why":""},{"id":"s001-delete","phase":"deploy","operation":"shelf.delete","version":1,"arguments":{"name":"n0"},"needs":["s000-create"],"preconditions":[],"postconditions":[],"inverse":{"operation":"shelf.create","arguments":{"name":"n0","value":{"$before":"/value"}}},"timeout_s":5.0,"retry":{"attempts":1,"backoff_s":0.5},"hold":null,"why":""},{"id":"s002-create","phase":"deploy","operation":"shelf.create","version":1,"arguments":{"name":"n0","value":992},"needs":["s001-delete"],"preconditions":[],"postconditions":[],"inverse":{"operation":"shelf.delete","arguments":{"name":"n0"}},"timeout_s":5.0,"retry":{"attempts":1,"backoff_s":0.5},"hold":null,"why":""}],"conditions":[],"invariants":[{"call":{"operation":"shelf.get","arguments":{"name":"base"}},"expect":[{"path":"/value","op":">=","value":0}],"why":"the base value stays"}],"observations":[{"resource":"shelf/base","probe":{"operation":"shelf.get","arguments":{"name":"base"}},"state":{"exists":true,"value":0},"observed_at":"2026-01-01T00:00:00Z"},{"resource":"shelf/n0","probe":{"operation":"shelf.get","arguments":{"name":"n0"}},"state":{"exists":false},"observed_at":"2026-01-01T00:00:00Z"}],"budget":{"calls":2000,"seconds":3600.0,"tokens":200000,"money_usd":1.0,"undo_calls":500},"provenance":{"planner":"file","model":null,"choices":[],"made_at":"2026-01-01T00:00:00Z"}},"requester":{"id":"ann","kind":"human","roles":["operator","approver"]}}','','fixture:065a8fde1de05b8cb9ee7f57d0d1b44f237d5ec37415f110476541e494e5c3e6');
INSERT INTO "entries" VALUES(2,'run-1','2026-11-25T12:00:00.000000+00:00','run_moved',NULL,'{"kind":"run_moved","state":"running","reason":""}','fixture:065a8fde1de05b8cb9ee7f57d0d1b44f237d5ec37415f110476541e494e5c3e6','fixture:29ea1455c4bfed458e2dba3594a99736fc39180b12f3e86d10ec0cf93ee69ede');
INSERT INTO "entries" VALUES(3,'run-1','2026-11-25T12:00:00.000000+00:00','approval_moved','approval-00000000000000000000000000000001','{"kind":"approval_moved","approval_id":"approval-00000000000000000000000000000001","subject":"sha256:930d4f99722cfa88c8de7e8c02de23547321cba7687b5fb348cbc832ac43f682","what":"asked","by":"ann","comment":""}','fixture:29ea1455c4bfed458e2dba3594a99736fc39180b12f3e86d10ec0cf93ee69ede','fixture:4dc565bc0d56e9c0c3a091b8fa6b57293f672a76f395d035ac3b2ced58ae8c47');
INSERT INTO "entries" VALUES(4,'run-1','2026-11-25T12:00:00.000000+00:00','approval_moved','approval-00000000000000000000000000000001','{"kind":"approval_moved","approval_id":"approval-00000000000000000000000000000001","subject":"sha256:930d4f99722cfa88c8de7e8c02de23547321cba7687b5fb348cbc832ac43f682","what":"approve","by":"bob","comment":""}','fixture:4dc565bc0d56e9c0c3a091b8fa6b57293f672a76f395d035ac3b2ced58ae8c47','fixture:5877ddfbd32a6e971f7a88dc8f5b74987d49f0e294d6bcfa1ff26331820d4137');
INSERT INTO "entries" VALUES(5,'run-1','2026-11-25T12:00:00.000000+00:00','approval_moved','approval-00000000000000000000000000000001','{"kind":"approval_moved","approval_id":"approval-00000000000000000000000000000001","subject":"sha256:930d4f99722cfa88c8de7e8c02de23547321cba7687b5fb348cbc832ac43f682","what":"claimed","by":"run-1","comment":""}','fixture:5877ddfbd32a6e971f7a88dc8f5b74987d49f0e294d6bcfa1ff26331820d4137','fixture:c5c5fd1e3449382dc9001be706aeec298e78de0707275d889e832a70bc1e176c');
INSERT INTO "entries" VALUES(6,'run-1','2026-11-25T12:00:00.000000+00:00','call_intended','w1/do','{"kind":"call_intended","step_id":"w1","direction":"do","attempt":1,"operation":"shelf.put","version":1,"resource":"shelf/a","arguments":{"name":"a","value":1},"key":"run-1/w1/do","before":null,"expected":null,"deadline":"2026-11-25T13:00:00Z","approval_id":null}','fixture:c5c5fd1e3449382dc9001be706aeec298e78de0707275d889e832a70bc1e176c','fixture:8b08d52c280af8607659bb755dacea11cda8cf9539c112ee63281e161f4b7dfb');
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
CREATE TABLE runs (
    run_id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    moved_at TEXT NOT NULL
);
INSERT INTO "runs" VALUES('run-1','running',1,2,'2026-11-25T12:00:00.000000+00:00');
CREATE TABLE votes (
    approval_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (approval_id, seq)
);
INSERT INTO "votes" VALUES('approval-00000000000000000000000000000001',4,'{"approval_id":"approval-00000000000000000000000000000001","approver":{"id":"bob","kind":"human","roles":["sre","approver"]},"answer":"approve","comment":"","at":"2026-11-25T12:00:00Z","key_id":"fixture","signature":"07d1762c87379d66c2bbc68009c43ac6013e7a1c136a02ce4920c175f3b26bef"}');
CREATE INDEX entries_run ON entries (run_id, seq);
CREATE INDEX entries_ref ON entries (run_id, ref, seq) WHERE ref IS NOT NULL;
CREATE INDEX runs_first ON runs (first_seq);
CREATE INDEX approvals_run ON approvals (run_id, subject);
CREATE INDEX approvals_open ON approvals (asked_seq) WHERE is_open = 1;
COMMIT;
