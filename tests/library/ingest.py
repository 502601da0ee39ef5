"""Takes in what gateways send: checks each frame, drops doubles, and hands readings to the store in batches."""

from __future__ import annotations

import hashlib
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

BATCH = 500
"""Readings that are written together."""
FLUSH_AFTER = 2.0
"""Seconds after which a batch is written although it is not full."""
REMEMBERED = 100_000
"""Digests of frames by which a double is known."""
MAX_DRIFT = 600
"""Seconds that a gateway's clock may be ahead."""


class BadFrame(ValueError):
    """The frame is not one of ours, or was damaged on its way."""


class ClockDrift(ValueError):
    """The gateway's clock is too far ahead; it is told the time and sends again."""


@dataclass(frozen=True)
class Reading:
    sensor: int
    taken: int
    value: float


class Store(Protocol):
    def write(self, batch: list[Reading]) -> None: ...


def parse(frame: bytes) -> Reading:
    """Frame: two bytes of magic, sensor, time, value, and a checksum of two bytes.

    Raises BadFrame when the length, the magic number or the checksum is wrong.
    """
    if len(frame) != 18 or frame[:2] != b"LK":
        raise BadFrame("not a frame")
    if checksum(frame[:-2]) != frame[-2:]:
        raise BadFrame("checksum mismatch")
    sensor, taken, value = struct.unpack(">IIf", frame[2:14])
    return Reading(sensor, taken, value)


def checksum(body: bytes) -> bytes:
    """The first two bytes of SHA-256: enough against noise on the radio link, no protection against forgery."""
    return hashlib.sha256(body).digest()[:2]


class Doubles:
    """Gateways repeat a frame until it is acknowledged, so the same one can come several times."""

    def __init__(self, room: int = REMEMBERED) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._room = room

    def is_new(self, frame: bytes) -> bool:
        key = hashlib.blake2b(frame, digest_size=12).digest()
        if key in self._seen:
            self._seen.move_to_end(key)
            return False
        self._seen[key] = None
        if len(self._seen) > self._room:
            self._seen.popitem(last=False)
        return True


class Intake:
    """Collects readings and writes them when a batch is full or old."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._waiting: list[Reading] = []
        self._since = 0.0
        self._doubles = Doubles()

    def receive(self, frame: bytes) -> bool:
        """Whether the frame brought something new. An acknowledgement is sent in either case."""
        reading = parse(frame)
        if reading.taken > self._clock() + MAX_DRIFT:
            raise ClockDrift(f"sensor {reading.sensor} is ahead of time")
        if not self._doubles.is_new(frame):
            return False
        if not self._waiting:
            self._since = self._clock()
        self._waiting.append(reading)
        if len(self._waiting) >= BATCH:
            self.flush()
        return True

    def tick(self) -> None:
        """To be called every few hundred milliseconds."""
        if self._waiting and self._clock() - self._since >= FLUSH_AFTER:
            self.flush()

    def flush(self) -> None:
        """Write what waits. If the store is down the readings stay in memory and the next tick tries again."""
        batch, self._waiting = self._waiting, []
        try:
            self._store.write(batch)
        except ConnectionError:
            self._waiting = batch + self._waiting
