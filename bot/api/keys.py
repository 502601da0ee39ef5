"""Keys: what programs show who they are with, and whose objects each of them opens."""

from __future__ import annotations

import re
from hashlib import sha256
from secrets import compare_digest, token_urlsafe

from bot.errors import ParleyError
from bot.settings import Settings
from bot.store import keys
from bot.store.database import Database
from bot.store.keys import Key
from bot.tenants import DEFAULT, Tenant

PREFIX = "parley-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def new_key() -> str:
    """256 random bits, in letters that need no quoting."""
    return PREFIX + token_urlsafe(32)


def digest(key: str) -> str:
    """What is kept of a key.

    A plain hash, and a fast one, suffices: slow and salted hashes are for words that people choose, which can be tried
    one after the other. Nobody tries 2²⁵⁶ keys.
    """
    return sha256(key.encode()).hexdigest()


class Keys:
    """Those that are stored, and the one of the settings, which opens the tenant `default`."""

    def __init__(self, database: Database, api_key: str | None) -> None:
        self._database = database
        self._own = digest(api_key) if api_key else None

    async def tenant(self, key: str) -> Tenant | None:
        """None for a key that is none. Looked up with each request, so that one that is revoked opens nothing more.

        Digests are compared: how long that takes says nothing of the key that another one was compared with.
        """
        shown = digest(key)
        if self._own is not None and compare_digest(shown, self._own):
            return DEFAULT
        return await self._database.read(lambda c: keys.tenant(c, shown))


def holders(settings: Settings) -> list[Tenant]:
    """The tenants that have a key, before the database is open. The API is served where there are any."""
    stored = keys.tenants(settings.database)
    return [DEFAULT, *(one for one in stored if one != DEFAULT)] if settings.api_key else list(stored)


async def create(database: Database, name: str, tenant: Tenant, now: float) -> str:
    """Make a key and keep it under a name. Raises `ParleyError` where the name is none, or is taken."""
    if not _NAME.fullmatch(name):
        raise ParleyError(
            f"“{name}” is no name for a key. Use letters, digits, dots, hyphens and underscores, at most 64 of them; "
            "the first one is a letter or a digit."
        )
    key = new_key()
    made = Key(name, tenant, now)
    if not await database.write(lambda tx: keys.add(tx, made, digest(key))):
        raise ParleyError(f"There is a key “{name}” already. Take another name, or revoke that key first.")
    return key


async def revoke(database: Database, name: str) -> None:
    """Raises `ParleyError` where there is no such key."""
    if not await database.write(lambda tx: keys.remove(tx, name)):
        known = ", ".join(f"“{key.name}”" for key in await database.read(keys.every))
        raise ParleyError(f"There is no key “{name}”. " + (f"There are: {known}." if known else "There are none yet."))
