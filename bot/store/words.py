"""Words as the full-text index (SQLite FTS5) keeps them, and queries in its language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from unicodedata import normalize

_WORD = re.compile(r"[^\W_]+")
_NAMED_STOP_WORDS = """
a about an and are as at be been but by can could did do does for from had has have how i if in into is it its may me
my no not of on or our shall should so some than that the their them then there these they this to was we were what
when where which while who whom why will with would you your
"""
_STOP_WORDS = frozenset(_NAMED_STOP_WORDS.split())
MOST_WORDS = 40
"""Words of a query that are looked for."""
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
"""A character of Chinese, Japanese or Korean. Where one word ends there, no space tells: each counts as a word, and a
query looks for two that stand side by side."""


def _one_form(text: str) -> str:
    """Accents as part of their letters, and all letters in their usual width: the same word is found so."""
    return normalize("NFKC", text)


def _spaced(text: str) -> str:
    return _UNSPACED.sub(r" \g<0> ", text)


def indexed(text: str) -> str:
    """A text as it is put into the index."""
    return _spaced(_one_form(text))


def match(query: str) -> str:
    """A query in the language of FTS5 that finds passages with any of its words; empty where it has none."""
    words = list(dict.fromkeys(part for word in _WORD.findall(_one_form(query)) for part in _parts(word.lower())))
    telling = [word for word in words if word not in _STOP_WORDS] or words
    return " OR ".join(f'"{word}"' for word in telling[:MOST_WORDS])


def _parts(word: str) -> Sequence[str]:
    """What is looked for of a word: the word, or each two neighbours of characters that stand for words themselves."""
    if not _UNSPACED.search(word):
        return [word]
    units = _spaced(word).split()
    return [" ".join(pair) for pair in pairwise(units)] or units
