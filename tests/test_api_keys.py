"""The keys of programs: whose each is, what is kept of it, and who holds them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.api import keys
from bot.api.keys import Keys
from bot.errors import ParleyError, StoreError
from bot.settings import Settings
from bot.store import keys as stored
from bot.store.database import Database
from bot.tenants import DEFAULT, Tenant
from tests.files import ready

SLACK = Tenant("slack", "T1")
OWN = "a-key-of-the-operators-own"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(ready(tmp_path / "parley.db"))
    yield database
    await database.close()


def settings_at(folder: Path, api_key: str | None = None) -> Settings:
    return Settings.model_construct(database_url=f"sqlite:///{folder / 'parley.db'}", api_key=api_key)


def folder(path: Path) -> dict[str, bytes]:
    """The files of a folder, by their names."""
    return {found.name: found.read_bytes() for found in path.iterdir()}


# -- whose a key is ------------------------------------------------------------------------------------------------


async def test_a_key_opens_its_tenant_and_no_other(database: Database) -> None:
    first = await keys.create(database, "reports", SLACK, 1.0)
    second = await keys.create(database, "bot", DEFAULT, 2.0)
    known = Keys(database, None)
    assert [await known.tenant(key) for key in (first, second)] == [SLACK, DEFAULT]


async def test_the_key_of_the_settings_opens_the_default_tenant(database: Database) -> None:
    assert await Keys(database, OWN).tenant(OWN) == DEFAULT
    assert await Keys(database, None).tenant(OWN) is None


@pytest.mark.parametrize("key", ["", "parley-", OWN[:-1], f"{OWN}x", "ä", "\0", "x" * 100_000])
async def test_what_is_no_key_opens_nothing(database: Database, key: str) -> None:
    await keys.create(database, "reports", SLACK, 1.0)
    assert await Keys(database, OWN).tenant(key) is None


async def test_neither_the_name_of_a_key_nor_its_digest_opens_anything(database: Database) -> None:
    key = await keys.create(database, "reports", SLACK, 1.0)
    known = Keys(database, None)
    assert [await known.tenant(guess) for guess in ("reports", keys.digest(key))] == [None, None]


async def test_a_key_that_is_revoked_opens_nothing_from_then_on(database: Database) -> None:
    key, known = await keys.create(database, "reports", SLACK, 1.0), Keys(database, None)
    assert await known.tenant(key) == SLACK
    await keys.revoke(database, "reports")
    assert await known.tenant(key) is None


async def test_with_the_key_of_the_settings_the_database_is_not_asked(database: Database) -> None:
    await database.close()
    database.path.unlink()
    assert await Keys(database, OWN).tenant(OWN) == DEFAULT
    with pytest.raises(StoreError):
        await Keys(database, OWN).tenant("parley-x")


# -- what is kept --------------------------------------------------------------------------------------------------


async def test_keys_are_long_random_and_readable(database: Database) -> None:
    made = {await keys.create(database, f"key-{number}", DEFAULT, 1.0) for number in range(20)}
    assert len(made) == 20
    assert all(re.fullmatch(r"parley-[A-Za-z0-9_-]{43}", key) for key in made)


async def test_no_key_stands_in_the_database(database: Database, tmp_path: Path) -> None:
    key = await keys.create(database, "reports", SLACK, 1.0)
    written = b"".join(folder(tmp_path).values())
    assert keys.digest(key).encode() in written
    assert key.removeprefix("parley-").encode() not in written


async def test_a_name_is_given_once(database: Database) -> None:
    key = await keys.create(database, "reports", SLACK, 1.0)
    with pytest.raises(ParleyError, match=r"^There is a key “reports” already. Take another name, or revoke that key"):
        await keys.create(database, "reports", DEFAULT, 2.0)
    assert await Keys(database, None).tenant(key) == SLACK


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "ä", "a/b", "x" * 65, "a\n"])
async def test_a_name_is_a_word(database: Database, name: str) -> None:
    with pytest.raises(ParleyError, match=r"is no name for a key\. Use letters"):
        await keys.create(database, name, DEFAULT, 1.0)
    assert await database.read(stored.every) == []


async def test_to_revoke_an_unknown_key_tells_those_that_there_are(database: Database) -> None:
    with pytest.raises(ParleyError, match=r"^There is no key “x”. There are none yet.$"):
        await keys.revoke(database, "x")
    await keys.create(database, "b", SLACK, 1.0)
    await keys.create(database, "a", SLACK, 1.0)
    with pytest.raises(ParleyError, match=r"^There is no key “x”. There are: “a”, “b”.$"):
        await keys.revoke(database, "x")


# -- before the database is open -----------------------------------------------------------------------------------


async def test_who_holds_keys_is_known_before_the_database_is_open(database: Database, tmp_path: Path) -> None:
    assert keys.holders(settings_at(tmp_path)) == []
    assert keys.holders(settings_at(tmp_path, OWN)) == [DEFAULT]
    for name, tenant in (("a", SLACK), ("b", SLACK), ("c", DEFAULT)):
        await keys.create(database, name, tenant, 1.0)
    assert keys.holders(settings_at(tmp_path)) == [DEFAULT, SLACK]
    assert keys.holders(settings_at(tmp_path, OWN)) == [DEFAULT, SLACK]
    await database.close()
    assert keys.holders(settings_at(tmp_path)) == [DEFAULT, SLACK]
    assert list(folder(tmp_path)) == ["parley.db"]


@pytest.mark.parametrize("content", [None, b"", b"no database at all"])
def test_where_no_database_can_be_read_nobody_holds_a_key_and_nothing_is_made(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "parley.db").write_bytes(content)
    assert keys.holders(settings_at(tmp_path)) == []
    assert list(folder(tmp_path).values()) == ([] if content is None else [content])
