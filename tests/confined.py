"""What a bounded process says of itself, for tests."""

from __future__ import annotations

import json
import os
import resource
import tempfile
from pathlib import Path


def answered(data: bytes, name: str = "") -> str:
    """Its environment, limits and niceness; first it writes the data into a file of that name, if there is one."""
    written = 0
    if name:
        try:
            written = (Path(tempfile.gettempdir()) / name).write_bytes(data)
        except OSError:
            written = -1
    limits = [resource.getrlimit(limit) for limit in (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE)]
    return json.dumps({"environment": dict(os.environ), "limits": limits, "nice": os.nice(0), "written": written})
