"""Strategies for requests of which each has one thing that is wrong, and everything else as the API takes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.good_requests import BODIES, EVERY, LISTS, Good

RIGHT: Mapping[str, str | bytes] = {"authorization": "Bearer key-of-default"}
JSON_TYPE = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Bad:
    why: str
    method: str
    path: str
    content: bytes = b""
    headers: Mapping[str, str | bytes] = field(default_factory=lambda: {**RIGHT, **JSON_TYPE})


@dataclass(frozen=True, slots=True)
class Raw:
    """Text that stands for a value in JSON, and need not be any."""

    text: str


Path = tuple[str | int, ...]
FREE = ("parameters", "schema")
"""Fields that may hold any object."""
OPEN = ("metadata", "attributes")
"""Fields that may hold any names."""
NEEDED = {
    "assistant_id", "role", "content", "type", "file_id", "tool_call_id", "query", "text", "url", "anchor", "days",
    "key", "value", "max_chunk_size_tokens", "chunk_overlap_tokens", "image_file", "image_url",
    "tool_outputs", "filters",
}  # fmt: skip
"""Fields that can be neither missing nor null, wherever they stand. (A search also goes without filters.)"""
CHOICES = {"type", "role", "anchor", "detail", "ranker"}
CALLED = {"assistant_id", "file_id", "tool_call_id"}
MANY = 10_001
LONG = "x" * 600_000
DEEP = [Raw("[" * deep + "]" * deep) for deep in (300, 5_000, 100_000)]
DEEP += [Raw('{"zq":' * deep + "1" + "}" * deep) for deep in (300, 5_000)]
NO_NUMBERS = [Raw(text) for text in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5_000)]


def fields(value: Any, path: Path = ()) -> Iterator[Path]:
    """The places in a body of which it is known what may stand there."""
    yield path
    if path and path[-1] in FREE:
        return
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from fields(one, (*path, name))


def at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def wrong(path: Path, value: Any) -> Iterator[tuple[str, Any]]:
    """What can be put in a place for a value that is right there, and what that is called."""
    name, within = path[-1], path[-2] if len(path) > 1 else ""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    loose = within == "attributes" or name == "value" or within == "value"
    yield from (("nested", deep) for deep in DEEP)
    yield from (("no number", raw) for raw in NO_NUMBERS)
    yield from (("a surrogate", Raw(f'"{half}"')) for half in (r"\ud800", r"a\udfffb", r"\ud83d"))
    if name in FREE:
        yield "a list", []
        return
    yield "an object of lists", {"zq": [[]]}
    yield "a list of lists", [["zq"]]
    if not (isinstance(value, bool) or loose):
        yield "true", True
    if isinstance(name, int) or name in NEEDED - {"filters"} or within in OPEN:
        yield "null", None
    if isinstance(value, str):
        yield "too long", LONG
        if not loose:
            yield "a number", 7
    if number and not loose:
        yield from (("out of range", far) for far in (-1, 10**30, 10**18, -(2**63), 1.5e300))
        yield "text", str(value)
    if isinstance(value, list):
        yield "too many", [*value * (1 + MANY // len(value))] if len(json.dumps(value)) < 150 else [None] * MANY
    if isinstance(value, dict):
        yield "an unknown field", {**value, "zq": []}
        yield "a list", [value]
    if name in OPEN:
        yield "too many", {f"k{number}": "v" for number in range(17)}
        yield "a long name", {"k" * 65: "v"}
        yield "a name with a surrogate", Raw(r'{"\ud800": "v"}')
    if name in CHOICES:
        yield from (("no choice", said) for said in ("zq", "", "\x00", "user\x00", "USER", "tool"))
    if name in CALLED or within in ("file_ids", "vector_store_ids"):
        stranger = {"$file": "$their_file", "$image": "$their_file", "$store": "$their_store"}
        known = stranger.get(value, "$their_assistant")
        yield from (("unknown", id_) for id_ in ("zq_1", "", "\x00", "../x", f"{value}\x00", f" {value}", known))


def _put(body: Any, path: Path, new: Any) -> bytes:
    """The text of a body with something else in one place."""
    changed = deepcopy(body)
    raw = new.text if isinstance(new, Raw) else json.dumps(new)
    if not path:
        return raw.encode()
    at(changed, path[:-1])[path[-1]] = "\x01here"
    return json.dumps(changed).replace(json.dumps("\x01here"), raw).encode()


@st.composite
def wrong_fields(draw: st.DrawFn) -> Bad:
    good = draw(st.sampled_from(BODIES))
    path = draw(st.sampled_from([path for path in fields(good.body) if path]))
    why, new = draw(st.sampled_from(list(wrong(path, at(good.body, path)))))
    return Bad(f"{path}: {why}", good.method, good.path, _put(good.body, path, new))


@st.composite
def missing_fields(draw: st.DrawFn) -> Bad:
    good = draw(st.sampled_from([one for one in BODIES if any(_needed(one))]))
    path = draw(st.sampled_from(list(_needed(good))))
    body = deepcopy(good.body)
    del at(body, path[:-1])[path[-1]]
    return Bad(f"{path}: missing", good.method, good.path, json.dumps(body).encode())


def _needed(good: Good) -> Iterator[Path]:
    return (path for path in fields(good.body) if path and path[-1] in NEEDED and path != ("filters",))


@st.composite
def wrong_bodies(draw: st.DrawFn) -> Bad:
    good = draw(st.sampled_from(BODIES))
    right = json.dumps(good.body).encode()
    cut = right[: draw(st.integers(1, len(right) - 1))]
    whole = [b"[]", b"null", b"7", b'"zq"', b"true", b"\xff", b"[" * 100_000, b"\xef\xbb\xbf", b" "]
    broken = [cut, right + right, right + b"\x00", right.replace(b'"', b"'"), b"[" + right + b"]", b'{"zq":1}']
    return Bad("body", good.method, good.path, draw(st.sampled_from([*whole, *broken])))


@st.composite
def wrong_types(draw: st.DrawFn) -> Bad:
    good = draw(st.sampled_from(BODIES))
    plain = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "zq", ";"]
    kind = draw(st.sampled_from([*plain, "application/xml", "application/json5", "text/json"]))
    headers = {**RIGHT, "content-type": kind}
    return Bad("content type", good.method, good.path, json.dumps(good.body).encode(), headers)


@st.composite
def wrong_queries(draw: st.DrawFn) -> Bad:
    good = draw(st.sampled_from(LISTS))
    most = 10_001 if good.path == "/files" else 101
    limits = [0, most, -1, "abc", "", "1.5", "1e2", "%00", "%D9%A3", "9" * 400, "+5", " 5"]
    queries = [f"limit={one}" for one in limits] + [f"order={one}" for one in ("up", "", "ASC", "%00")]
    queries += [f"{one}=zq_1" for one in ("after", "before")] + ["after=%00", "after=%ED%A0%80", "after=%FF", "zq=1"]
    queries += ["%00=1", f"{'x' * 5_000}=1", "after=$their_assistant", "before=$their_file", "after=$their_thread"]
    queries += [f"after={'x' * 5_000}", "limit=5&limit=0", "limit=5&order=up", "%5B%5D=1"]
    return Bad("query", "GET", f"{good.path}?{draw(st.sampled_from(queries))}")


_NAME = re.compile(r"\$(\w+)")
_THEIRS = {
    "assistant": "assistant", "thread": "thread", "waiting": "thread", "other": "thread", "message": "message",
    "file": "file", "store": "store",
}  # fmt: skip
NONSENSE = st.text(min_size=1, max_size=12).map(lambda text: quote(text.encode("utf-8", "surrogatepass"), safe=""))
TROUBLE = [
    "%00",
    "%ff%fe",
    "%ED%A0%80",
    "%0d%0aset-cookie:x",
    "..%2f..%2fx",
    "%25",
    "'%20or%201=1",
    "x" * 5_000,
    "%e2%80%ae",
]


@st.composite
def wrong_ids(draw: st.DrawFn) -> Bad:
    good = draw(st.sampled_from([one for one in EVERY if "$" in one.path]))
    name = draw(st.sampled_from(_NAME.findall(good.path)))
    theirs = [f"$their_{_THEIRS[name]}"] if name in _THEIRS else []
    put = draw(st.one_of(st.sampled_from([*theirs, "zq_1", f"${name}x", *TROUBLE]), NONSENSE.map("zq".__add__)))
    path = good.path.replace(f"${name}", put, 1)
    return Bad(f"id of {name}", good.method, path, json.dumps(good.body).encode() if good.body else b"")


METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "FROB")


@st.composite
def wrong_methods(draw: st.DrawFn) -> Bad:
    path = draw(st.sampled_from([one.path for one in EVERY]))
    taken = {one.method for one in EVERY if one.path == path} | ({"POST"} if path == "/files" else set())
    return Bad("method", draw(st.sampled_from([one for one in METHODS if one not in taken])), path)


@st.composite
def wrong_paths(draw: st.DrawFn) -> Bad:
    parts = st.one_of(NONSENSE, st.sampled_from(["threads", "runs", "", "%0a", "chat", *TROUBLE]))
    path = "/zq" + "".join(f"/{part}" for part in draw(st.lists(parts, max_size=4)))
    more = draw(
        st.sampled_from(["/models", "/chat/completions", "/assistants/", "/threads", "/threads//runs", "//files"])
    )
    return Bad("path", draw(st.sampled_from(["GET", "HEAD", "PUT"])), draw(st.sampled_from([path, more])))


@st.composite
def wrong_keys(draw: st.DrawFn) -> Bad:
    good = draw(st.sampled_from(EVERY))
    said: list[str | bytes] = ["", "Bearer", "Bearer zq", "key-of-default", "Basic a2V5", "Bearer \tzq", b"\xff"]
    said += ["Bearer key-of-defaul", "Bearer key-of-default2", b"Bearer \xf0\x9f\x98\x80", "Bearer " + "x" * 5_000]
    shown: Mapping[str, str | bytes] = draw(
        st.sampled_from([{}, {"api-key": "zq"}, {"api-key": ""}, *({"authorization": one} for one in said)])
    )
    return Bad("key", good.method, good.path, json.dumps(good.body).encode(), {**JSON_TYPE, **shown})


def _part(name: str, value: bytes, file: str | None = None) -> bytes:
    named = f'; filename="{file}"' if file is not None else ""
    return f'--zq\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + value + b"\r\n"


@st.composite
def wrong_uploads(draw: st.DrawFn) -> Bad:
    file, purpose, end = _part("file", b"Snow.", "a.txt"), _part("purpose", b"assistants"), b"--zq--\r\n"
    wrong = [b"zq", b"", b"\x00", b"\xff", b"assistants\x00", b"assistants_output", b"x" * 999, b"x" * 5_000]
    anchor, after = _part("expires_after[anchor]", b"created_at"), "expires_after[seconds]"
    bodies = [file + _part("purpose", one) for one in wrong]
    bodies += [file + purpose + anchor + _part(after, one) for one in (b"0", b"-1", b"9" * 30, b"NaN", b"1e5", b"")]
    bodies += [file, purpose, file + purpose + file, purpose + purpose + file, b"", purpose + _part("file", b"Snow.")]
    bodies += [purpose + _part("file", b"", "a.txt"), file + purpose + _part("zq", b"1"), file + purpose + anchor]
    bodies += [file + purpose + _part(name, b"1") for name in ("", "\x00", "purpose[x]", "[", "x" * 5_000, "é")]
    bodies += [file + purpose + b"".join(_part(f"f{number}", b"") for number in range(20))]
    kind = draw(st.sampled_from(["multipart/form-data; boundary=zq"] * 9 + ["multipart/form-data", "application/json"]))
    return Bad("upload", "POST", "/files", draw(st.sampled_from(bodies)) + end, {**RIGHT, "content-type": kind})


ANY = st.one_of(
    wrong_fields(), wrong_fields(), wrong_fields(), wrong_fields(), missing_fields(), wrong_bodies(), wrong_types(),
    wrong_queries(), wrong_ids(), wrong_ids(), wrong_methods(), wrong_paths(), wrong_keys(), wrong_uploads(),
)  # fmt: skip
