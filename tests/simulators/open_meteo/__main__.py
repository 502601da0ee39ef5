"""`python -m tests.simulators.open_meteo [--port N]` serves the fake until interrupted, to try the product by hand.

Set both `OPEN_METEO_URL` and `OPEN_METEO_GEOCODING_URL` to the address that it prints.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress

from tests.simulators.open_meteo import open_meteo


async def main(port: int) -> None:
    async with open_meteo(port=port) as fake:
        sys.stdout.write(f"{fake.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.open_meteo")
    parser.add_argument("--port", type=int, default=0, help="any free one by default")
    with suppress(KeyboardInterrupt):
        asyncio.run(main(parser.parse_args().port))
