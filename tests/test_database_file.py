"""Opening a database file: what is refused, with which sentence, and that a refused file is left as it was."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from bot.errors import StoreError
from bot.store import opening
from bot.store.database import Database
from bot.store.migrations import run as migrations
from bot.store.schema import metadata
from tests.files import ready
from tests.ordeals.disk import disk

DAMAGED = "is damaged or is no SQLite file"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "parley.db"


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement).fetchall()


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def refused(path: Path) -> str:
    """The sentence with which the file is refused, by a start and by the doctor; the folder is left as it was."""
    before = {file.name: file.read_bytes() for file in path.parent.glob("*") if file.is_file()}
    sentences = []
    for look in (opening.prepare, opening.inspect):
        with pytest.raises(StoreError) as caught:
            look(path)
        sentences.append(str(caught.value))
    assert {file.name: file.read_bytes() for file in path.parent.glob("*") if file.is_file()} == before
    assert sentences[0] == sentences[1]
    assert "\n" not in sentences[0]
    return sentences[0]


@contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    usual = path.stat().st_mode
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(usual)


# -- what is made and what is kept ---------------------------------------------------------------------------------


async def test_a_fresh_file_is_made_with_the_newest_schema(path: Path) -> None:
    database = await Database.open(path)
    modes = await database.write(lambda tx: tx.exec_driver_sql("PRAGMA journal_mode"))
    assert modes.scalar() == "wal"
    await database.close()
    assert rows(path, "SELECT version_num FROM alembic_version") == [(opening.HEAD,)]
    assert [file.name for file in path.parent.iterdir()] == ["parley.db"]


async def test_two_opens_at_once_of_a_fresh_file_both_succeed(path: Path) -> None:
    first, second = await asyncio.gather(Database.open(path), Database.open(path))
    for database in (first, second):
        await database.write(
            lambda tx: tx.exec_driver_sql(
                "INSERT INTO threads (id, created_at, metadata) SELECT 'thread_' || count(*), 0, '{}' FROM threads"
            )
        )
    count = await second.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM threads"))
    assert count.scalar() == 2
    for database in (first, second):
        await database.close()


async def test_a_fresh_file_may_be_opened_by_another_process_at_the_same_time(path: Path) -> None:
    script = "import sys, pathlib, bot.store.opening as o; print(flush=True); o.prepare(pathlib.Path(sys.argv[1]))"
    command = (sys.executable, "-c", script, str(path))
    other = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert other.stdout is not None
    await other.stdout.readline()
    await asyncio.to_thread(opening.prepare, path)
    assert await other.wait() == 0
    assert opening.inspect(path).endswith("is sound and up to date.")


def test_an_empty_file_counts_as_fresh(path: Path) -> None:
    path.touch()
    opening.prepare(path)
    assert opening.inspect(path) == f"The database {path} is sound and up to date."


def test_the_doctor_makes_no_file(path: Path) -> None:
    assert opening.inspect(path) == f"The database {path} will be made at the first start."
    assert not path.exists()


def test_what_was_written_before_a_crash_is_kept(path: Path) -> None:
    """A log that nobody moved into the file, as `kill -9` leaves it."""
    ready(path)
    add = "PRAGMA journal_mode=WAL; INSERT INTO threads (id, created_at, metadata) VALUES ('t', 0, '{}')"
    with closing(sqlite3.connect(path)) as writer:
        writer.executescript(add)
        crashed = path.with_name("crashed.db")
        crashed.write_bytes(path.read_bytes())
        crashed.with_name("crashed.db-wal").write_bytes(path.with_name("parley.db-wal").read_bytes())
    opening.prepare(crashed)
    assert rows(crashed, "SELECT id FROM threads") == [("t",)]


# -- what is refused -----------------------------------------------------------------------------------------------


def test_a_newer_database_is_refused(path: Path) -> None:
    execute(ready(path), "UPDATE alembic_version SET version_num = '0099'", "ALTER TABLE runs RENAME COLUMN model TO m")
    assert f"{path} was written by a newer Parley (schema 0099; this one knows {opening.HEAD}). Use" in refused(path)


def test_a_newer_database_in_use_is_refused_and_its_log_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(ready(path), isolation_level=None)) as newer:
        newer.execute("PRAGMA journal_mode=WAL")
        newer.execute("UPDATE alembic_version SET version_num = '0099'")
        log = path.with_name("parley.db-wal").read_bytes()
        with pytest.raises(StoreError, match="newer Parley"):
            opening.prepare(path)
        assert path.with_name("parley.db-wal").read_bytes() == log != b""


def test_another_programs_database_is_refused(path: Path) -> None:
    execute(path, "CREATE TABLE songs (title TEXT)")
    assert refused(path) == f"{path} is a database, but not one of Parley's. Set DATABASE_URL to another file."


def test_another_programs_database_with_migrations_of_its_own_is_refused(path: Path) -> None:
    execute(path, "CREATE TABLE alembic_version (version_num TEXT)", "INSERT INTO alembic_version VALUES ('a1b2')")
    assert "not one of Parley's" in refused(path)


def test_a_read_only_file_is_refused(path: Path) -> None:
    with mode(ready(path), 0o444):
        assert refused(path) == (
            f"The database cannot be written: {path} is read-only. Allow writing, or set DATABASE_URL."
        )


def test_a_read_only_folder_is_refused_with_and_without_a_file_in_it(path: Path) -> None:
    for make in (lambda: None, lambda: ready(path)):
        make()
        with mode(path.parent, 0o555):
            assert refused(path).startswith(f"The database cannot be written: {path.parent} is read-only.")


@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_locked_database_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, journal: str, lock: str) -> None:
    monkeypatch.setattr(opening, "LOCK_WAIT", 0.01)
    with closing(sqlite3.connect(ready(path), isolation_level=None)) as other:
        other.execute(f"PRAGMA journal_mode={journal}")
        other.execute(lock)
        with pytest.raises(StoreError, match=r"is locked by another program\. Close that program and start again\.$"):
            opening.prepare(path)
    opening.prepare(path)


def test_a_fresh_file_that_another_program_holds_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LOCK_WAIT", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="is locked by another program"):
            opening.prepare(path)
    assert path.read_bytes() == b""


def test_the_end_of_another_programs_transaction_is_waited_for(path: Path) -> None:
    script = "import sys, sqlite3; c = sqlite3.connect(sys.argv[1], isolation_level=None)"
    script += "; c.execute('BEGIN IMMEDIATE'); print('held', flush=True); input(); c.execute('COMMIT')"
    command = [sys.executable, "-c", script, str(ready(path))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        other.stdin.close()
        opening.prepare(path)


@pytest.mark.parametrize("contents", [b"hello", b"no database\n" * 500, b"SQLite format 3\0" + bytes(999), bytes(8192)])
def test_garbage_is_refused(path: Path, contents: bytes) -> None:
    path.write_bytes(contents)
    assert DAMAGED in refused(path)


def test_where_the_disk_is_full_nobody_is_told_to_put_a_backup_in_its_place() -> None:
    with disk() as small:
        if not small.small:
            pytest.skip("no file system can be mounted here")
        path = ready(small.folder / "parley.db")
        small.fill()
        full = str(opening.not_opened(path, "disk I/O error"))
        small.free()
        damaged = str(opening.not_opened(path, "disk I/O error"))
    assert full == f"The disk that holds the database {path} is full. Make room on it and start again."
    assert damaged.startswith(f"The database {path} is damaged")


def test_a_truncated_file_is_refused(path: Path) -> None:
    whole = ready(path).read_bytes()
    for size in (1, 99, 100, 4096, 8192, 10_000, len(whole) // 2, len(whole) - 4096):
        path.write_bytes(whole[:size])
        assert DAMAGED in refused(path), size


def test_a_flipped_header_is_refused_or_does_no_harm(path: Path) -> None:
    whole = ready(path).read_bytes()
    for at in range(100):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            opening.prepare(path)
        except StoreError:
            refused(path)
        else:
            assert rows(path, "SELECT count(*) FROM threads") == [(0,)], at


def test_a_damaged_page_in_the_middle_is_refused(path: Path) -> None:
    whole = ready(path).read_bytes()
    for at in range(4096, len(whole), 4096):
        path.write_bytes(whole[:at] + b"\xff" * 64 + whole[at + 64 :])
        assert f"The database {path} {DAMAGED}" in refused(path), at


def test_a_large_file_is_read_through_by_the_doctor_and_not_at_each_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((page,),) = rows(ready(path), "SELECT rootpage FROM sqlite_master WHERE name = 'audit'")
    assert isinstance(page, int)
    whole, at = path.read_bytes(), (page - 1) * 4096
    path.write_bytes(whole[:at] + b"\xff" * 64 + whole[at + 64 :])
    monkeypatch.setattr(opening, "QUICKLY_READ", 0)
    opening.prepare(path)
    with pytest.raises(StoreError, match=DAMAGED):
        opening.inspect(path)


def test_a_look_into_a_database_changes_nothing(path: Path) -> None:
    with pytest.raises(StoreError, match="nothing has been said"):
        opening.must_be_current(path)
    ready(path)
    opening.must_be_current(path)
    execute(path, "UPDATE alembic_version SET version_num = '0000'")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="of an older Parley"):
        opening.must_be_current(path)
    assert path.read_bytes() == before


def test_a_folder_in_the_files_place_is_refused(path: Path) -> None:
    path.mkdir()
    assert refused(path) == f"{path} is a folder or a device. Set DATABASE_URL to a file."


def test_a_missing_folder_is_refused(path: Path) -> None:
    inside = path / "parley.db"
    assert refused(inside) == f"There is no folder {path} for the database parley.db. Make it, or set DATABASE_URL."


def test_a_name_that_the_system_does_not_take_is_refused(path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be reached"):
        opening.prepare(path.with_name("x" * 300))


# -- on the command line -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["newer", "garbage"])
def test_a_start_on_a_refused_database_says_one_sentence_and_exits_with_1(path: Path, damage: str) -> None:
    ready(path)
    if damage == "newer":
        execute(path, "UPDATE alembic_version SET version_num = '0099'")
    else:
        path.write_bytes(b"garbage" * 1000)
    before = path.read_bytes()
    command = [sys.executable, "-m", "bot"]
    bare = {"DATABASE_URL": f"sqlite:///{path}", "PYTHONPATH": str(Path(__file__).parent.parent)}
    ended = subprocess.run(command, input="Hi\n", env=bare, cwd=path.parent, capture_output=True, text=True)  # noqa: PLW1510
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert str(path) in ended.stderr
    assert path.read_bytes() == before


# -- migrations ----------------------------------------------------------------------------------------------------


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    """SQLite's own tables of the full-text index are not."""
    return kind != "table" or not (name or "").startswith("passages_fts")


COMPARED = {"compare_type": True, "compare_server_default": True, "include_name": _is_ours}


def test_the_migrations_make_exactly_the_schema(path: Path) -> None:
    opening.prepare(path)
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, metadata) == []
    made = path.with_name("made.db")
    metadata.create_all(create_engine(f"sqlite:///{made}", poolclass=NullPool))
    indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    assert rows(path, indexes) == rows(made, indexes)


def test_a_database_of_the_first_schema_is_brought_up_with_what_is_in_it(path: Path) -> None:
    migrations.upgrade(path, wait=1.0, revision="0001")
    columns = "id, thread_id, created_at, role, text, status, attachments, metadata, waiting"
    execute(
        path, f"INSERT INTO messages ({columns}) VALUES ('msg_1', 't', 1, 'user', 'Hi', 'completed', '[]', '{{}}', 1)"
    )
    opening.prepare(path)
    assert rows(path, "SELECT text, waiting, raw_text, unprepared FROM messages") == [("Hi", 1, None, 0)]
    assert rows(path, "SELECT version_num FROM alembic_version") == [(opening.HEAD,)]


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(migrations.config()).get_heads() == [opening.HEAD]


@pytest.mark.parametrize("fresh", [True, False])
def test_a_failing_migration_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    if fresh:
        path.touch()
    else:
        execute(ready(path), "PRAGMA journal_mode=DELETE", "DROP TABLE tool_calls", "DELETE FROM alembic_version")
    before = path.read_bytes()

    def half(config: object, revision: str) -> None:
        connection = config.attributes["connection"]  # type: ignore[attr-defined]
        connection.exec_driver_sql("CREATE TABLE half (way INTEGER)")
        connection.exec_driver_sql("CREATE TABLE half (way INTEGER)")

    monkeypatch.setattr("alembic.command.upgrade", half)
    with pytest.raises(StoreError, match=r"could not be brought to this version \(table half already exists\)\. It is"):
        opening.prepare(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["parley.db"]
