-- Everything of the first release. JSON columns are BLOBs; times are epoch milliseconds.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- record: what core/agents/record.py says. Changes with the agent's state, not with each event.
CREATE TABLE agents (
    id         TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    record     BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the agent's present run was taken over: changes with every step, so it stands apart.
CREATE TABLE progress (
    agent      TEXT PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    run        INTEGER NOT NULL,
    position   INTEGER NOT NULL,   -- journal offset up to which everything is committed
    next_write INTEGER NOT NULL,
    next_seq   INTEGER NOT NULL,
    driver     BLOB                -- the driver's snapshot at that offset
) STRICT, WITHOUT ROWID;

CREATE TABLE timeline (
    agent TEXT NOT NULL,
    seq   INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    item  BLOB NOT NULL,
    PRIMARY KEY (agent, seq)
) STRICT, WITHOUT ROWID;

-- The ledger of requests for permission. open -> answered | withdrawn, once.
CREATE TABLE requests (
    agent     TEXT NOT NULL,
    id        TEXT NOT NULL,
    request   BLOB NOT NULL,
    asked_ms  INTEGER NOT NULL,
    state     TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'answered', 'withdrawn')),
    response  BLOB,
    closed_by TEXT NOT NULL DEFAULT '',
    closed_ms INTEGER,
    PRIMARY KEY (agent, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX open_requests ON requests (asked_ms) WHERE state = 'open';

CREATE TRIGGER requests_close_once BEFORE UPDATE ON requests WHEN OLD.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'a closed request never changes'); END;

-- What an agent must still be told; a row goes when the runner's journal says that it was written.
CREATE TABLE writes (
    agent    TEXT NOT NULL,
    run      INTEGER NOT NULL,
    write_id INTEGER NOT NULL,
    data     BLOB NOT NULL,
    PRIMARY KEY (agent, run, write_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE prompts (
    n          INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    agent      TEXT NOT NULL,
    message_id TEXT,
    text       TEXT NOT NULL,
    extras     BLOB,               -- images and attachments
    asked_by   TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'done', 'failed', 'taken_back')),
    queued_ms  INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX prompt_messages ON prompts (agent, message_id) WHERE message_id IS NOT NULL;
CREATE INDEX waiting_prompts ON prompts (agent, n) WHERE state IN ('queued', 'sent');

CREATE TABLE log (
    agent TEXT NOT NULL,
    n     INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    level TEXT NOT NULL,
    area  TEXT NOT NULL,
    text  TEXT NOT NULL,
    PRIMARY KEY (agent, n)
) STRICT, WITHOUT ROWID;

-- Append-only and hash-chained: see core/security/audit.py.
CREATE TABLE audit (
    n        INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    details  TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash     BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
