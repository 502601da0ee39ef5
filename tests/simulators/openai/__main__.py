"""`python -m tests.simulators.openai [--port N] [--key K]`: the weather conversation by hand, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from tests.simulators.openai import OpenAISimulator, weather_brain
from tests.simulators.serve import serve


async def _run(port: int, key: str | None) -> None:
    simulator = OpenAISimulator(key=key, brain=weather_brain)
    async with serve(simulator.app, port=port) as address:
        sys.stdout.write(f"OPENAI_BASE_URL={address}/v1\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.openai", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; any free one by default")
    parser.add_argument("--key", help="API key to insist on; none by default")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(given.port, given.key))


if __name__ == "__main__":
    main()
