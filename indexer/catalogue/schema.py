"""The catalogue's tables, and the migrations between their versions."""

import sqlite3
from pathlib import Path

from indexer.errors import NoIndex

# Entry N migrates from version N to N + 1. Never change a migration that was released.
MIGRATIONS = (
    """
CREATE TABLE roots (root TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE photos (
    id INTEGER PRIMARY KEY,          -- random, so that it can be shown to strangers
    root TEXT NOT NULL REFERENCES roots,
    relative TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    content TEXT,                    -- hash of the bytes; NULL for a file that could not be used
    error TEXT,
    UNIQUE (root, relative)
);
CREATE TABLE contents (content TEXT PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE vectors (
    content TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    shard INTEGER NOT NULL,
    row INTEGER NOT NULL,
    PRIMARY KEY (content, fingerprint)
) WITHOUT ROWID;
-- Counts changes that a published generation would show. A run that dies between its last commit and its
-- publication leaves a revision that no manifest names, so the next run knows that it has to publish.
CREATE TABLE state (revision INTEGER NOT NULL);
-- Starts at random, so that a recreated catalogue never matches what was published from the old one.
INSERT INTO state VALUES (random() & 0x3fffffffffffffff);
CREATE TRIGGER photo_added AFTER INSERT ON photos WHEN NEW.content IS NOT NULL
BEGIN UPDATE state SET revision = revision + 1; END;
CREATE TRIGGER photo_changed AFTER UPDATE ON photos WHEN NEW.content IS NOT OLD.content
BEGIN UPDATE state SET revision = revision + 1; END;
CREATE TRIGGER photo_removed AFTER DELETE ON photos WHEN OLD.content IS NOT NULL
BEGIN UPDATE state SET revision = revision + 1; END;
""",
    """
ALTER TABLE roots ADD COLUMN rules TEXT NOT NULL DEFAULT '{}';
ALTER TABLE roots ADD COLUMN device TEXT;
ALTER TABLE roots ADD COLUMN mounts TEXT NOT NULL DEFAULT '[]';
ALTER TABLE photos ADD COLUMN decoder INTEGER NOT NULL DEFAULT 0;    -- what gave the error its verdict
ALTER TABLE contents ADD COLUMN taken TEXT;
ALTER TABLE contents ADD COLUMN camera TEXT;
ALTER TABLE contents ADD COLUMN latitude REAL;
ALTER TABLE contents ADD COLUMN longitude REAL;
ALTER TABLE contents ADD COLUMN described INTEGER NOT NULL DEFAULT 0; -- what read the four columns before
CREATE INDEX photos_of_content ON photos (content);
DROP TRIGGER photo_changed;
CREATE TRIGGER photo_changed AFTER UPDATE ON photos
WHEN (NEW.content, NEW.root, NEW.relative) IS NOT (OLD.content, OLD.root, OLD.relative)
BEGIN UPDATE state SET revision = revision + 1; END;
CREATE TRIGGER content_described AFTER UPDATE ON contents
WHEN (NEW.taken, NEW.camera, NEW.latitude, NEW.longitude)
    IS NOT (OLD.taken, OLD.camera, OLD.latitude, OLD.longitude)
BEGIN UPDATE state SET revision = revision + 1; END;
""",
    """
ALTER TABLE state ADD COLUMN partition TEXT;    -- such as 1/3; NULL for a whole library
CREATE INDEX vectors_on_disk ON vectors (fingerprint, shard, row);
-- Perceptual hashes of contents.
CREATE TABLE looks (content TEXT PRIMARY KEY, look BLOB NOT NULL) WITHOUT ROWID;
-- Photos that were removed: one that returns gets its old id.
CREATE TABLE removed (
    id INTEGER PRIMARY KEY,
    root TEXT NOT NULL,
    relative TEXT NOT NULL,
    content TEXT NOT NULL,
    since TEXT NOT NULL              -- when a run found that it was gone, in UTC
);
CREATE INDEX removed_path ON removed (root, relative);
CREATE INDEX removed_content ON removed (content);
-- Contents without a photo; their vectors stay until their shard is copied.
CREATE TABLE orphans (content TEXT PRIMARY KEY, swept INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
INSERT INTO orphans (content) SELECT content FROM contents EXCEPT SELECT content FROM photos;
CREATE TRIGGER photo_kept AFTER DELETE ON photos WHEN OLD.content IS NOT NULL
BEGIN INSERT OR REPLACE INTO removed
    VALUES (OLD.id, OLD.root, OLD.relative, OLD.content, strftime('%Y-%m-%dT%H:%M:%SZ'));
    INSERT OR IGNORE INTO orphans (content) SELECT OLD.content
    WHERE NOT EXISTS (SELECT 1 FROM photos WHERE content = OLD.content); END;
CREATE TRIGGER content_left AFTER UPDATE OF content ON photos
WHEN OLD.content IS NOT NULL AND NEW.content IS NOT OLD.content
BEGIN INSERT OR IGNORE INTO orphans (content) SELECT OLD.content
    WHERE NOT EXISTS (SELECT 1 FROM photos WHERE content = OLD.content); END;
CREATE TRIGGER content_found AFTER INSERT ON photos
WHEN NEW.content IS NOT NULL AND EXISTS (SELECT 1 FROM orphans)
BEGIN DELETE FROM orphans WHERE content = NEW.content; END;
CREATE TRIGGER content_changed AFTER UPDATE OF content ON photos
WHEN NEW.content IS NOT NULL AND NEW.content IS NOT OLD.content
BEGIN DELETE FROM orphans WHERE content = NEW.content; END;
""",
    """
ALTER TABLE photos ADD COLUMN ctime_ns INTEGER;      -- NULL: not known yet
ALTER TABLE vectors ADD COLUMN checksum INTEGER;     -- of the content's name and the row's bytes; NULL: not known yet
ALTER TABLE contents ADD COLUMN thumbnail INTEGER;   -- bytes of the small one; NULL: not known yet
""",
    """
ALTER TABLE contents ADD COLUMN colour INTEGER;      -- the dominant one, 0xRRGGBB; NULL: not known yet
CREATE TRIGGER content_coloured AFTER UPDATE OF colour ON contents WHEN NEW.colour IS NOT OLD.colour
BEGIN UPDATE state SET revision = revision + 1; END;
""",
)
SCHEMA_VERSION = len(MIGRATIONS)
_CACHE_KIB = 2**16
# The first version with checksums; older ones cannot be checked.
CHECKED_SINCE = 4


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Migrate a catalogue of any version to the current one, in one transaction."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    # Room for the catalogue of a hundred thousand photos; SQLite's own 2 MB hold next to nothing of a join.
    db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise NoIndex(f"{path}: written by a newer sketchseek (schema {version}); upgrade sketchseek")
    if version < SCHEMA_VERSION:
        steps = "".join(MIGRATIONS[version:])
        db.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
