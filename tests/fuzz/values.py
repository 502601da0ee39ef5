"""Values that people, platforms and servers may send where they should not, or of a size that nobody thought of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

PIECES = (
    *("a", "Rain?", " ", "\n", "\t", "\r\n", "\0", "\x07", "\x1b[31m", "\x7f", "\u2028", "\ufeff", "\u00a0"),
    *("\ud800", "\udfff", "\ud83d", "\u202e", "\u2066", "\u2069", "\u200f", "\u200b", "\U0001f44d", "e\u0301"),
    *("<", ">", "&", "&amp;", "&lt;", "[", "]", "(", ")", "{", "}", "|", "`", "```", "*", "**", "_", "~~", "#", "> "),
    *("<@", "<@>", "<@U0000001>", "<@UBOT>", "<@UBOT|parley>", "<@U9>", "<@U0000002|>", "<#C0000001|>", "<#C9>"),
    *("<!here>", "<!channel>", "<!subteam^S1|@us>", "<!date^0^{date}|x>", "<mailto:a@b|c>", "<https://a.b|", "@here"),
    *("<@1>", "<@!2>", "<@&3>", "<#4>", "@everyone", "<a:x:5>", "<:x:6>", "<t:0:R>", "<t:99999999999999:F>", "</x:7>"),
    *("||", "-# ", "[x](", "](javascript:x)", "![", "$$", "%s", "%(x)s", "{0}", "\\", "'", '"', "';--", "\\u0000"),
)
"""Control characters, halves of surrogate pairs, marks that turn the direction of a text, mentions sound and broken."""

REPEATED = (
    "[",
    "(",
    "[](",
    "*",
    "_",
    "`",
    "~",
    "> ",
    "<",
    "<@",
    "|",
    "#",
    "-",
    "\n",
    "&",
    "\u202e",
    "a",
    " ",
    "\0",
    "[[]",
)


def texts() -> SearchStrategy[str]:
    """A text as nobody expects it. Most are short, some have thousands of brackets, a few are huge."""
    short = st.text(st.characters(), max_size=40)
    pieced = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
    many = st.builds(
        lambda piece, count: piece * count, st.sampled_from(REPEATED), st.sampled_from([2, 30, 700, 3_000])
    )
    huge = st.builds(lambda piece, count: piece * count, st.sampled_from(REPEATED), st.just(20_000))
    return st.one_of(pieced, pieced, short, pieced, short, pieced, many, pieced, short, pieced, pieced, many | huge)


def numbers() -> SearchStrategy[Any]:
    return st.sampled_from([0, -1, 1, 2**31, 2**53 + 1, 2**63, 10**30, 1.5, -0.0, 1e300])


def deep(levels: int = 60) -> SearchStrategy[Any]:
    return st.sampled_from([_nested(levels), _nested(levels * 5)])


def _nested(levels: int) -> Any:
    value: Any = "zq"
    for level in range(levels):
        value = {"zq": value} if level % 2 else [value]
    return value


def odd() -> SearchStrategy[Any]:
    """A value of any JSON type. Objects have the key `zq`, lists begin with it: see `findings.INSIDE`."""
    return st.one_of(
        st.none(),
        st.booleans(),
        numbers(),
        st.sampled_from(["", " ", "0", "\0", "zq", "\ud800", "../..", "9" * 40, "U0000002", "1.1", "-1"]),
        st.sampled_from([[], {}, ["zq"], {"zq": "zq"}, [["zq"]], {"zq": None}, ["zq", {"zq": 1}]]),
        texts(),
        deep(),
    )


def junk() -> SearchStrategy[str]:
    """Characters that are no JSON, or JSON that is no object, or an object that says nothing."""
    return st.one_of(
        st.sampled_from(
            [
                *("", " ", "{", "}", "[", "null", "0", "true", '"zq"', "[]", "{}", '{"zq":', '{"a": tru', "{'zq': 1}"),
                *(
                    '{"type": null}',
                    '{"op": 0}',
                    "\0",
                    "\ufeff{}",
                    "NaN",
                    '{"zq": 1e999}',
                    "[" * 5_000,
                    '{"a":' * 5_000,
                ),
                *('{"a": "\\ud800"}', '{"a": 1, "a": 2}', "<html>", "payload=", "%%%", "a=b&c", "\x1b[0m"),
            ]
        ),
        st.text(max_size=30),
    )


def all_texts(value: Any) -> Iterator[str]:
    """All texts in a JSON value, less the names of its fields."""
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from all_texts(inner)
        case list() | tuple():
            for inner in value:
                yield from all_texts(inner)
