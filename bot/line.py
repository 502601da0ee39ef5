"""The line of threads whose messages wait: for room, for the run before them, or until some run has ended.

Whoever ends looks at the threads that this is about and at no others: thousands may wait.
"""

from __future__ import annotations

from collections import Counter, OrderedDict


class Line:
    """True while a thread is in it that a run may be begun for as soon as there is room."""

    def __init__(self) -> None:
        self._due: OrderedDict[str, None] = OrderedDict()
        self._behind: set[str] = set()  # busy when they were looked at
        self._put_off: dict[str, None] = {}
        self._busy: Counter[str] = Counter()  # a thread's next run may begin while its last one is delivered
        self.ends = 0
        """How many runs have ended here."""

    def __bool__(self) -> bool:
        return bool(self._due)

    def join(self, thread_id: str) -> None:
        self._due[thread_id] = None

    def put_off(self, thread_id: str) -> None:
        """It joins the line again when some run has ended."""
        self._put_off[thread_id] = None

    def begin(self, thread_id: str) -> None:
        """A run of the thread is in the making."""
        self._busy[thread_id] += 1

    def end(self, thread_id: str) -> None:
        """It no longer is."""
        self.ends += 1
        self._busy[thread_id] -= 1
        if not self._busy[thread_id]:
            del self._busy[thread_id]
            if thread_id in self._behind:
                self._behind.discard(thread_id)
                self.join(thread_id)
        self._due |= self._put_off
        self._put_off.clear()

    def next(self) -> str | None:
        """The first thread without a run in the making, which leaves the line; None where none is left."""
        while self._due:
            thread_id, _ = self._due.popitem(last=False)
            if thread_id not in self._busy:
                self._put_off.pop(thread_id, None)
                return thread_id
            self._behind.add(thread_id)
        return None
