"""`python -m tests.fuzz`: tries every target, prints what became of the examples, and ends with 1 on findings."""

from __future__ import annotations

import argparse
import random
import sys

from tests.fuzz.all import TARGETS
from tests.fuzz.findings import HEAD
from tests.fuzz.trying import tried


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, help="examples of each target (by default as many as take 3 minutes)")
    parser.add_argument("--seed", type=int, help="makes the same examples again")
    parser.add_argument("--only", choices=[target.name for target in TARGETS], action="append", help="only this target")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    print(f"seed {seed}\n{HEAD}", flush=True)  # noqa: T201
    found = []
    for target in TARGETS:
        if given.only and target.name not in given.only:
            continue
        report = tried(target, given.examples or target.usual, seed)
        print(report.row, flush=True)  # noqa: T201
        if report.findings:
            found.append(report)
    for report in found:
        again = f"python -m tests.fuzz --only {report.target} --seed {report.seed}"
        print(f"\n{report.details()}\n  again: {again}", flush=True)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
