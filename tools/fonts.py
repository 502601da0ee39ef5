"""Fonts: those of this machine that have the characters of a text. For the process that draws them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

FIRST = "DejaVu Sans"
"""matplotlib's own: Latin, Greek, Cyrillic, Arabic, Hebrew and many signs."""
MOST = 500
"""Families that are looked into, for what the first one lacks."""


def families(texts: Iterable[str]) -> tuple[Sequence[str], str]:
    """The families to draw these texts with, in the order in which they are asked, and the characters that none has."""
    from matplotlib import font_manager, get_data_path

    lacking = _lacking(font_manager.findfont(FIRST), list(dict.fromkeys("".join(texts))))
    chosen = [FIRST]
    paths = {
        one.name: one.fname
        for one in font_manager.fontManager.ttflist
        if one.style == "normal" and not one.fname.startswith(get_data_path())
    }
    for name in sorted(paths, key=lambda name: ("Sans" not in name, name))[:MOST]:
        if not lacking:
            break
        left = _lacking(paths[name], lacking)
        if len(left) < len(lacking):
            chosen, lacking = [*chosen, name], left
    return chosen, "".join(lacking)


def _lacking(path: str, characters: Sequence[str]) -> Sequence[str]:
    """The characters that a font lacks; all of them where it cannot be read."""
    from matplotlib.ft2font import FT2Font

    with suppress(OSError, RuntimeError):
        font = FT2Font(path)
        return [one for one in characters if not font.get_char_index(ord(one))]
    return characters
