"""A fetcher for tests, in whose world names lead where the test says, and a watch on what is connected to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.simulators.site import Site
from tools.addresses import Endpoint, Guard


@dataclass(slots=True)
class Names:
    """A resolver. Each look-up of a name takes the next of its answers; the last one stays."""

    known: Mapping[str, list[Sequence[tuple[str, int]]]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        self.asked.append(host)
        answers = self.known.get(host, [[]])
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(address, into or port) for address, into in found]


def at(site: Site) -> list[tuple[str, int]]:
    """What a name has to lead to that is to be this site."""
    return [(str(site.endpoint.address), site.endpoint.port)]


def guard(*sites: Site, **names: Sequence[tuple[str, int]]) -> Guard:
    """Lets the sites through, of which the first is `site.example`; further `names` are those below `.example`.

    A port of 0 is the one that is asked for.
    """
    known = {f"{name}.example": [answer] for name, answer in names.items()}
    if sites:
        known["site.example"] = [at(sites[0])]
    allowed: frozenset[Endpoint] = frozenset(site.endpoint for site in sites)
    return Guard(Names(known), allowed)


def watched(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses that this event loop is asked to connect to from now on. Nothing is connected any more."""
    loop, connected = asyncio.get_running_loop(), list[Any]()

    async def sock_connect(socket: object, address: object) -> None:
        connected.append(address)
        raise OSError("nothing is connected in this test")

    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    return connected
