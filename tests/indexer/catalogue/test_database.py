"""The catalogue's versions: migrated whole or not at all, and what was indexed under an older one is made up for."""

import sqlite3
from pathlib import Path

import pytest

from indexer.catalogue import schema
from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Root
from indexer.catalogue.safekeeping import SEAL
from tests.kit.exif import WHOLE, exif
from tests.kit.jobs import Job
from tests.kit.pictures import encoded, scene
from tests.kit.standin import write_photo


def _to_schema_1(path: Path) -> None:
    """The same rows as a first version would have written them."""
    db = sqlite3.connect(path)
    rows = {
        table: db.execute(f"SELECT {columns} FROM {table}").fetchall()
        for table, columns in (
            ("roots", "root"),
            ("photos", "id, root, relative, size, mtime_ns, content, error"),
            ("contents", "content, width, height"),
            ("vectors", "content, fingerprint, shard, row"),
        )
    }
    (revision,) = db.execute("SELECT revision FROM state").fetchone()
    db.close()
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(schema.MIGRATIONS[0])
    for table, found in rows.items():
        for row in found:
            db.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)
    db.execute("UPDATE state SET revision = ?", (revision,))
    db.execute("PRAGMA user_version = 1")
    db.close()


@pytest.fixture
def old(quick: Job, tmp_path: Path) -> Path:
    """A library that was indexed under schema 1."""
    root = tmp_path / "photos"
    for seed in range(3):
        write_photo(root / f"{seed}.png", seed)
    (root / "dated.jpg").write_bytes(encoded(scene(), "JPEG", exif=exif()))
    (root / "text.jpg").write_text("no picture")
    quick(root)
    _to_schema_1(quick.index / "catalogue.sqlite")
    return root


def test_photos_of_the_first_version_get_their_metadata_without_embedding(
    quick: Job, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("tests.kit.standin.InThread.decode", lambda *_: pytest.fail("decoded"))
        patched.setattr("tests.kit.standin.decode", lambda *_, **__: pytest.fail("decoded"))
        (old / "text.jpg").unlink()
        report = quick(old)
    assert (report.embedded, report.changed, report.unchanged, report.published) == (0, 0, 4, True)
    with Catalogue(quick.index / "catalogue.sqlite") as catalogue:
        found = {entry.relative: entry for entry in catalogue.entries(quick.encoder.fingerprint)}
    assert (found["dated.jpg"].taken, found["dated.jpg"].camera) == (WHOLE.taken, WHOLE.camera)
    assert found["0.png"].taken is None
    monkeypatch.setattr("indexer.jobs.pipeline.Pipeline.run", lambda *_: pytest.fail("worked"))
    assert quick(old).published is False


def test_a_better_decoder_tries_refused_files_again(
    quick: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "photos"
    write_photo(root / "a.png", 1)
    (root / "odd.jpg").write_bytes(encoded(scene(), "JPEG"))
    with monkeypatch.context() as older:
        older.setattr("indexer.catalogue.database.DECODER_VERSION", 0)
        catalogue_path = quick.index / "catalogue.sqlite"
        quick(root)
    (quick.index / SEAL).unlink()
    db = sqlite3.connect(catalogue_path)
    with db:
        db.execute(
            "UPDATE photos SET content = NULL, error = 'too new', decoder = 0 WHERE relative = 'odd.jpg'"
        )
    db.close()
    report = quick(root)
    assert (report.changed, report.photos, report.skipped) == (1, 2, [])


def test_a_migration_that_dies_leaves_the_old_version(
    quick: Job, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = quick.index / "catalogue.sqlite"
    with monkeypatch.context() as broken:
        dying = (schema.MIGRATIONS[0], schema.MIGRATIONS[1] + "SELECT * FROM nowhere;")
        broken.setattr(schema, "MIGRATIONS", dying)
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            Catalogue(path)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert len(db.execute("PRAGMA table_info(roots)").fetchall()) == 1
    db.close()
    assert quick(old).photos == 4


def test_a_new_catalogue_is_as_a_migrated_one(quick: Job, old: Path, tmp_path: Path) -> None:
    def tables(path: Path) -> set[tuple[str, str]]:
        with Catalogue(path):
            pass
        db = sqlite3.connect(path)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        found = set(db.execute("SELECT name, sql FROM sqlite_schema").fetchall())
        db.close()
        return found

    assert old.exists()
    assert tables(quick.index / "catalogue.sqlite") == tables(tmp_path / "new.sqlite")


def _remember_and_fail(catalogue: Catalogue) -> None:
    catalogue.remember_root(Path("/lost"), Root())
    raise KeyboardInterrupt


def test_a_transaction_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    with Catalogue(tmp_path / "catalogue.sqlite") as catalogue:
        with catalogue.transaction():
            catalogue.remember_root(Path("/kept"), Root())
        with pytest.raises(KeyboardInterrupt), catalogue.transaction():
            _remember_and_fail(catalogue)
    with Catalogue(tmp_path / "catalogue.sqlite") as catalogue:
        assert catalogue.roots() == [Path("/kept")]
