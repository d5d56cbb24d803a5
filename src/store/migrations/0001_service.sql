-- Times are milliseconds since 1970 (UTC), ids are UUIDs as text, flags are 0 or 1.
-- Text that was spoken stands in `turn`, `chain`, `deflection`, `finding`, `clip` and `report` only, and it is
-- redacted before it comes here.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Who ------------------------------------------------------------------------------------------------------------

CREATE TABLE team (
    id             TEXT PRIMARY KEY,
    name           TEXT NOT NULL COLLATE NOCASE UNIQUE,
    -- Calls are erased so many days after they came; NULL keeps them.
    retention_days INTEGER,
    -- Whether the recording stays as it came beside its muted copy.
    keep_original  INTEGER NOT NULL DEFAULT 0,
    created_at     INTEGER NOT NULL
) STRICT;

-- Calls that name no team belong to this one, and new people join it unless other teams are named.
INSERT INTO team (id, name, created_at) VALUES ('00000000-0000-7000-8000-000000000001', 'everyone', 0);

CREATE TABLE person (
    id          TEXT PRIMARY KEY,
    email       TEXT NOT NULL COLLATE NOCASE UNIQUE,
    name        TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('qa', 'supervisor', 'admin')),
    -- Argon2id in PHC form; NULL until the invitation was taken up.
    password    TEXT,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

CREATE TABLE membership (
    person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    team   TEXT NOT NULL REFERENCES team (id) ON DELETE CASCADE,
    PRIMARY KEY (person, team)
) STRICT, WITHOUT ROWID;

-- One-time links: the first admin's, and those of invited people. Tokens are stored as SHA-256.
CREATE TABLE invitation (
    token_hash BLOB PRIMARY KEY,
    -- NULL: makes the first admin.
    person     TEXT REFERENCES person (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT;

CREATE TABLE session (
    token_hash BLOB PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE api_key (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    -- First characters, to tell keys apart.
    prefix     TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    role       TEXT NOT NULL CHECK (role IN ('qa', 'supervisor', 'admin')),
    -- JSON list of scopes.
    scopes     TEXT NOT NULL,
    -- JSON list of team ids; NULL means every team.
    teams      TEXT,
    made_by    TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at    INTEGER,
    revoked_at INTEGER
) STRICT;

-- Append-only; every row holds the hash of the one before it.
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    -- JSON, never content of a call.
    detail TEXT NOT NULL,
    hash   BLOB NOT NULL
) STRICT;
CREATE INDEX audit_object ON audit (object, seq);
CREATE TRIGGER audit_is_kept BEFORE UPDATE ON audit BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_whole BEFORE DELETE ON audit BEGIN SELECT RAISE (ABORT, 'the audit log is append-only'); END;

-- Calls ----------------------------------------------------------------------------------------------------------

CREATE TABLE call (
    -- Short, for the search index: see `turn.id`.
    seq           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    team          TEXT NOT NULL REFERENCES team (id),
    -- Name of the uploaded file, for people only.
    name          TEXT NOT NULL,
    external_id   TEXT UNIQUE,
    agent         TEXT,
    queue         TEXT,
    caller_ref    TEXT,
    direction     TEXT CHECK (direction IN ('inbound', 'outbound', 'internal')),
    -- When the call began, as the sender says; else when it came.
    started_at    INTEGER NOT NULL,
    received_at   INTEGER NOT NULL,
    -- JSON list of words.
    tags          TEXT NOT NULL DEFAULT '[]',
    roles         TEXT,
    language      TEXT,
    bytes         INTEGER NOT NULL,
    sha256        TEXT NOT NULL,
    -- Keys in the blob store: the recording as it came (NULL once it was given up for the muted copy), and the copy
    -- that browsers play.
    original      TEXT,
    playback      TEXT,
    legal_hold    INTEGER NOT NULL DEFAULT 0,
    erase_at      INTEGER,
    -- Rises with every change a reader could see; the ETag.
    revision      INTEGER NOT NULL DEFAULT 1,
    state         TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'quarantined')),
    error_code    TEXT,
    error_detail  TEXT,
    ended_at      INTEGER,
    -- From the report, so that lists and trends need not open it.
    duration_ms   INTEGER,
    deflected     INTEGER,
    ivr_deflected INTEGER,
    pushed_back   INTEGER,
    outcome       TEXT,
    request       TEXT,
    score         INTEGER,
    -- Marks of the chain glyph in order, for instance `request deflection.website pushback fulfilled`.
    glyph         TEXT,
    agent_share   REAL,
    hold_ms       INTEGER,
    silence_ms    INTEGER,
    -- Hardship stated and what came of it.
    opportunities INTEGER,
    acknowledged  INTEGER,
    -- Time from the first time the caller was sent away by an agent to the end of the call.
    detour_ms     INTEGER,
    reviewed_at   INTEGER,
    reviewed_by   TEXT,
    -- Large, so it comes last: what stands behind it is slow to read.
    peaks         BLOB
) STRICT;
CREATE INDEX call_started ON call (started_at DESC, id DESC);
CREATE INDEX call_team ON call (team, started_at DESC, id DESC);
CREATE INDEX call_agent ON call (agent, started_at DESC);
CREATE INDEX call_state ON call (state, received_at);
-- All that counts and trends read, so that they never touch the table.
CREATE INDEX call_facts ON call (
    state, started_at, id, team, agent, queue, direction, deflected, ivr_deflected, pushed_back, outcome, score,
    duration_ms, opportunities, acknowledged, detour_ms, reviewed_at, request
);
CREATE INDEX call_score ON call (coalesce(score, -1), id);
CREATE INDEX call_duration ON call (coalesce(duration_ms, -1), id);
CREATE INDEX call_erase ON call (erase_at) WHERE erase_at IS NOT NULL;

-- Work on a call. The attempt is the fencing token: whoever finishes must still hold it.
CREATE TABLE job (
    call        TEXT PRIMARY KEY REFERENCES call (id) ON DELETE CASCADE,
    state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'quarantined')),
    attempt     INTEGER NOT NULL DEFAULT 0,
    crashes     INTEGER NOT NULL DEFAULT 0,
    losses      INTEGER NOT NULL DEFAULT 0,
    queued_at   INTEGER NOT NULL,
    not_before  INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    cancel      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX job_next ON job (state, not_before, queued_at);

CREATE TABLE idempotency (
    actor      TEXT NOT NULL,
    key        TEXT NOT NULL,
    -- SHA-256 over method, path and body digest.
    request    BLOB NOT NULL,
    -- NULL while the first request runs.
    call       TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;

-- Resumable uploads under way.
CREATE TABLE upload (
    id         TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    length     INTEGER NOT NULL,
    -- So many bytes are on stable storage.
    kept       INTEGER NOT NULL DEFAULT 0,
    -- As it came: words with base64.
    metadata   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX upload_expires ON upload (expires_at);

-- Files of watch folders that were taken in.
CREATE TABLE watched (
    path       TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    call       TEXT,
    error      TEXT,
    taken_at   INTEGER NOT NULL,
    PRIMARY KEY (path, bytes, changed_at)
) STRICT, WITHOUT ROWID;

-- What was found ---------------------------------------------------------------------------------------------------

CREATE TABLE report (
    call     TEXT PRIMARY KEY REFERENCES call (id) ON DELETE CASCADE,
    json     TEXT NOT NULL,
    sha256   TEXT NOT NULL,
    -- The playbook it was judged by.
    playbook TEXT,
    made_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE turn (
    -- `call.seq << 20 | n`, so that a hit of the index names its call.
    id       INTEGER PRIMARY KEY,
    call     TEXT NOT NULL REFERENCES call (id) ON DELETE CASCADE,
    n        INTEGER NOT NULL,
    speaker  TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms   INTEGER NOT NULL,
    text     TEXT NOT NULL
) STRICT;
CREATE INDEX turn_call ON turn (call, n);

CREATE VIRTUAL TABLE speech USING fts5 (
    text, content = 'turn', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO speech (speech, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER turn_heard AFTER INSERT ON turn BEGIN
    INSERT INTO speech (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER turn_gone AFTER DELETE ON turn BEGIN
    INSERT INTO speech (speech, rowid, text) VALUES ('delete', old.id, old.text);
END;

CREATE TABLE chain (
    call      TEXT NOT NULL REFERENCES call (id) ON DELETE CASCADE,
    n         INTEGER NOT NULL,
    -- The request in the caller's words.
    intent    TEXT NOT NULL,
    -- Like requests share it; see `store::topics`.
    topic     TEXT NOT NULL DEFAULT '',
    deflected INTEGER NOT NULL,
    pushbacks INTEGER NOT NULL,
    outcome   TEXT NOT NULL,
    start_ms  INTEGER NOT NULL,
    end_ms    INTEGER NOT NULL,
    PRIMARY KEY (call, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX chain_topic ON chain (topic, call);

CREATE TABLE deflection (
    call     TEXT NOT NULL REFERENCES call (id) ON DELETE CASCADE,
    chain    INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    target   TEXT NOT NULL,
    said_by  TEXT NOT NULL,
    -- `could_have`, `could_after`, `not_allowed`, `right_target`, `unknown`; NULL without a playbook.
    verdict  TEXT,
    quote    TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms   INTEGER NOT NULL,
    PRIMARY KEY (call, chain, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX deflection_target ON deflection (target, kind, call);

CREATE TABLE finding (
    call       TEXT NOT NULL REFERENCES call (id) ON DELETE CASCADE,
    -- From detector, turn and words, so that a review outlives a new analysis that finds the same.
    id         TEXT NOT NULL,
    detector   TEXT NOT NULL,
    category   TEXT NOT NULL,
    confidence REAL NOT NULL,
    note       TEXT NOT NULL,
    turn       INTEGER NOT NULL,
    speaker    TEXT NOT NULL,
    start_ms   INTEGER NOT NULL,
    end_ms     INTEGER NOT NULL,
    quote      TEXT NOT NULL,
    -- JSON list of all evidence.
    evidence   TEXT NOT NULL,
    -- NULL: a detector's; else the reviewer's name.
    made_by    TEXT,
    made_at    INTEGER NOT NULL,
    -- The latest review.
    review     TEXT CHECK (review IN ('confirmed', 'disputed')),
    PRIMARY KEY (call, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_detector ON finding (detector, review, made_by, category);

-- Every review ever given, oldest first.
CREATE TABLE review (
    id      INTEGER PRIMARY KEY,
    call    TEXT NOT NULL REFERENCES call (id) ON DELETE CASCADE,
    finding TEXT NOT NULL,
    state   TEXT CHECK (state IN ('confirmed', 'disputed')),
    reason  TEXT,
    comment TEXT,
    actor   TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX review_finding ON review (call, finding, id);

-- The house ----------------------------------------------------------------------------------------------------------

CREATE TABLE playbook (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    toml         TEXT NOT NULL,
    sha256       TEXT NOT NULL,
    made_by      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    -- When it became the one in force; the latest is.
    activated_at INTEGER
) STRICT;

CREATE TABLE clip (
    id          TEXT PRIMARY KEY,
    call        TEXT NOT NULL REFERENCES call (id) ON DELETE CASCADE,
    finding     TEXT,
    agent       TEXT NOT NULL,
    start_ms    INTEGER NOT NULL,
    end_ms      INTEGER NOT NULL,
    quote       TEXT NOT NULL,
    why         TEXT NOT NULL,
    better      TEXT,
    made_by     TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    answer      TEXT CHECK (answer IN ('acknowledged', 'disputed')),
    answer_note TEXT,
    answered_at INTEGER
) STRICT;
CREATE INDEX clip_agent ON clip (agent, created_at);

-- Links that let one agent see the clips made for them.
CREATE TABLE share (
    token_hash BLOB PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    agent      TEXT NOT NULL,
    team       TEXT NOT NULL REFERENCES team (id) ON DELETE CASCADE,
    made_by    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

-- Blind reviews of a random sample.
CREATE TABLE sample (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE sample_call (
    sample TEXT NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    call   TEXT NOT NULL REFERENCES call (id) ON DELETE CASCADE,
    n      INTEGER NOT NULL,
    PRIMARY KEY (sample, call)
) STRICT, WITHOUT ROWID;
CREATE TABLE blind_review (
    sample      TEXT NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    call        TEXT NOT NULL REFERENCES call (id) ON DELETE CASCADE,
    reviewer    TEXT NOT NULL,
    deflected   INTEGER NOT NULL,
    pushed_back INTEGER NOT NULL,
    outcome     TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (sample, call, reviewer)
) STRICT, WITHOUT ROWID;

-- Others who are told ------------------------------------------------------------------------------------------------

CREATE TABLE webhook (
    id         TEXT PRIMARY KEY,
    url        TEXT NOT NULL,
    -- `whsec_` and base64, as the standard writes it.
    secret     TEXT NOT NULL,
    -- JSON list of event types.
    events     TEXT NOT NULL,
    team       TEXT REFERENCES team (id) ON DELETE CASCADE,
    made_by    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- Why and since when nothing is sent any more.
    disabled_at     INTEGER,
    disabled_reason TEXT
) STRICT;

-- Messages to send, written in the transaction that made them true.
CREATE TABLE outbox (
    id         TEXT PRIMARY KEY,
    webhook    TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    event      TEXT NOT NULL,
    payload    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    attempt    INTEGER NOT NULL DEFAULT 0,
    next_at    INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'dead')),
    -- Status of the last answer, or what went wrong.
    outcome    TEXT
) STRICT;
CREATE INDEX outbox_due ON outbox (state, next_at);
CREATE INDEX outbox_webhook ON outbox (webhook, created_at);

-- Erasures asked for, until nothing is left.
CREATE TABLE erasure (
    call     TEXT PRIMARY KEY,
    asked_at INTEGER NOT NULL,
    asked_by TEXT NOT NULL,
    -- JSON list of blob keys that still have to go.
    blobs    TEXT NOT NULL,
    done_at  INTEGER
) STRICT;
