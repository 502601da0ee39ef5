"""What is wrong with an example: a claim that does not hold, and the smallest example for which it does not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

INSIDE = re.compile(
    r"""Traceback\ \(most|File\ "[^"]+",\ line\ \d|/site-packages/|\w+\.py\b|<class\ '|object\ at\ 0x
    |\b[A-Z][A-Za-z]+(?:Error|Exception|Timeout)\b|\bNoneType\b|[\[{]'zq'|\bdataclass\b|sqlite3|sqlalchemy
    |<(?:coroutine|function|bound\ method|Task|Future)\b""",
    re.VERBOSE,
)
"""What people never read; each space needs a backslash. `zq` is in each object that examples put where a text belongs:
so Python would write it.
"""

LONGEST_SHOWN = 1_500
"""Characters of an example in the report."""


class Finding(Exception):
    """A claim that does not hold for an example. Each claim has a class of its own, by which Hypothesis tells them
    apart, and makes the smallest example of each.
    """

    claim = ""


@cache
def _class_for(claim: str) -> type[Finding]:
    return type("Finding", (Finding,), {"claim": claim})


def finding(claim: str, detail: object = "") -> Finding:
    return _class_for(claim)(f"{claim}: {detail}"[:LONGEST_SHOWN])


def must(holds: object, claim: str, detail: object = "") -> None:
    """Raises `Finding`."""
    if not holds:
        raise finding(claim, detail)


def nothing_inside(texts: Iterable[str], reader: str) -> None:
    """None of what somebody reads is from Parley's inside. Raises `Finding`."""
    for text in texts:
        if found := INSIDE.search(text):
            around = text[max(0, found.start() - 80) : found.end() + 80]
            raise finding(f"internal text reaches {reader}", repr(around))


@dataclass(slots=True)
class Report:
    """What became of the examples of a target. `findings`: by claim, the smallest example and what was wrong."""

    target: str
    seed: int
    examples: int = 0
    accepted: int = 0
    refused: int = 0
    seconds: float = 0.0
    findings: dict[str, tuple[str, str]] = field(default_factory=dict)

    def note(self, wrong: Finding, example: object) -> None:
        shown = repr(example)
        before = self.findings.get(wrong.claim)
        if before is None or len(shown) < len(before[0]):
            self.findings[wrong.claim] = (shown, str(wrong))

    @property
    def row(self) -> str:
        return (
            f"{self.target:<18} {self.examples:>8} {self.accepted:>9} {self.refused:>8} {len(self.findings):>9}"
            f" {self.seconds:>8.1f}"
        )

    def details(self) -> str:
        return "\n\n".join(
            f"{self.target}, seed {self.seed}: {wrong}\n  {shown[:LONGEST_SHOWN]}"
            for shown, wrong in self.findings.values()
        )


HEAD = f"{'target':<18} {'examples':>8} {'accepted':>9} {'refused':>8} {'findings':>9} {'seconds':>8}"
