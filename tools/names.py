"""The addresses of a host's name, from the system. Looked up in threads that nothing waits for at the end.

A thread that waits for a name server cannot be stopped, and a hostile one never answers: so these are neither the event
loop's, in which others would wait behind them, nor such that the process would wait for them when it ends.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from weakref import WeakValueDictionary

from tools.context import current
from tools.registry import ToolError

MOST_AT_ONCE = 16
"""Look-ups of one process. One takes half a minute at most where the system's resolver is set up as usual."""
MOST_OF_RUN = 4
"""Look-ups of one run, of which more wait. A look-up counts to its end, also when nobody waits for it any longer."""

_places = threading.BoundedSemaphore(MOST_AT_ONCE)
_turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()


async def look_up(host: str, port: int) -> list[tuple[str, int]]:
    """IPv4 and IPv6 addresses as text, each with the port, in the system's order; an empty list where there are none.

    Raises `ToolError` where too many look-ups are on their way.
    """
    turn = _turn()
    await turn.acquire()
    if not _places.acquire(blocking=False):
        turn.release()
        raise ToolError("Too many addresses are being looked up just now. Try again later.")
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[tuple[str, int]]] = loop.create_future()

    def ask() -> None:
        try:
            addresses = _ask(host, port)
        finally:
            _places.release()
        with suppress(RuntimeError):  # the event loop is closed, and nobody waits any longer
            loop.call_soon_threadsafe(_tell, found, addresses, turn)

    try:
        threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    except RuntimeError:  # the system has no room for another thread
        _places.release()
        turn.release()
        raise ToolError("The address cannot be looked up just now. Try again later.") from None
    return await found


def _turn() -> asyncio.Semaphore:
    """What the look-ups of the run whose tool is running share."""
    fresh = asyncio.Semaphore(MOST_OF_RUN)
    context = current.get(None)
    return _turns.setdefault(context.run_id, fresh) if context else fresh


def _ask(host: str, port: int) -> list[tuple[str, int]]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [(str(answer[4][0]), port) for answer in answers]


def _tell(
    found: asyncio.Future[list[tuple[str, int]]], addresses: list[tuple[str, int]], turn: asyncio.Semaphore
) -> None:
    turn.release()
    if not found.done():
        found.set_result(addresses)
