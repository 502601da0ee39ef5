"""A migrated, empty database file, made once a test process and copied where a test wants it: migrating takes 0.3 s."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from bot.store.opening import prepare


def ready(path: Path) -> Path:
    """`path` as a database file, unless there is one already."""
    if not path.exists():
        shutil.copy(_template(), path)
    return path


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="parley-template-")) / "parley.db"
    prepare(path)
    return path
