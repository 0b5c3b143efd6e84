-- Pairings, who asks to be let in, who was, and the client keys that were used. Nothing secret: keys
-- lie in files of their own, clients are known by a hash only. Times are epoch milliseconds.

CREATE TABLE pairings (
    server_id TEXT PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    kind      TEXT NOT NULL CHECK (kind IN ('app', 'sereno', 'paseo')),
    state     TEXT NOT NULL CHECK (state IN ('open', 'asking', 'paired', 'ended')),
    made_ms   INTEGER NOT NULL,
    until_ms  INTEGER NOT NULL,
    name      TEXT NOT NULL,
    rights    TEXT NOT NULL CHECK (rights IN ('operator', 'viewer')),
    confirm   INTEGER NOT NULL CHECK (confirm IN (0, 1)),
    client    BLOB,
    ended     TEXT,
    ended_ms  INTEGER,
    CHECK ((state = 'ended') = (ended IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER pairings_end_once BEFORE UPDATE ON pairings WHEN OLD.state = 'ended'
BEGIN SELECT RAISE(ABORT, 'a pairing that ended never changes'); END;
CREATE TRIGGER pairings_bind_once BEFORE UPDATE ON pairings
WHEN OLD.state = 'paired' AND NEW.state <> 'ended' AND OLD.client IS NOT NEW.client
BEGIN SELECT RAISE(ABORT, 'a pairing is bound to one client'); END;

CREATE TABLE questions (
    id          TEXT PRIMARY KEY,
    pairing     TEXT NOT NULL REFERENCES pairings (server_id) ON DELETE CASCADE,
    client      BLOB NOT NULL,
    client_type TEXT NOT NULL,
    app_version TEXT,
    words       TEXT NOT NULL,      -- parted by blanks
    asked_ms    INTEGER NOT NULL,
    until_ms    INTEGER NOT NULL,
    UNIQUE (pairing, client)
) STRICT, WITHOUT ROWID;

-- blocked: refused or revoked on a pairing that goes on for others.
CREATE TABLE devices (
    id        TEXT PRIMARY KEY,
    pairing   TEXT NOT NULL REFERENCES pairings (server_id) ON DELETE CASCADE,
    client    BLOB NOT NULL,
    name      TEXT NOT NULL,
    rights    TEXT NOT NULL CHECK (rights IN ('operator', 'viewer')),
    blocked   INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1)),
    paired_ms INTEGER NOT NULL,
    seen_ms   INTEGER,
    way       TEXT CHECK (way IN ('relay', 'direct')),
    UNIQUE (pairing, client)
) STRICT, WITHOUT ROWID;

-- Client keys that opened a channel once. A row must be on disk before its channel is answered.
CREATE TABLE used_client_keys (
    pairing     TEXT NOT NULL REFERENCES pairings (server_id) ON DELETE CASCADE,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 16),
    PRIMARY KEY (pairing, fingerprint)
) STRICT, WITHOUT ROWID;
