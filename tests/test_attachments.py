"""Which files are downloaded, and what the model gets of them."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from bot import pdf
from bot.assistants.types import File
from bot.attachments import (
    ALL_TEXT,
    IN_SEARCH,
    LARGEST,
    LARGEST_IMAGE,
    LONGEST_TEXT,
    SEARCHED,
    plan,
    read,
    room_left,
    told,
)
from tools import bounded

ONLY = "I can read images, PDF, Word (DOCX), Excel (XLSX) and text files only."
LOGIN = b"<!DOCTYPE html><html><title>Sign in</title></html>"


def attached(name: str, mime: str = "", size: Any = 100) -> dict[str, Any]:
    return {"name": name, "mime": mime, "size": size}


def png(width: int = 2, height: int = 1) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02\0\0\0"


def jpeg(width: int, height: int) -> bytes:
    thumbnail = b"\xff\xe1" + struct.pack(">H", 12) + b"\xff\xc0\0\x0b\x08\0\1\0\1\1"
    return b"\xff\xd8" + thumbnail + b"\xff\xff\xc2" + struct.pack(">HBHH", 11, 8, height, width) + b"\1\1\x11\0"


def gif(pictures: int) -> bytes:
    picture = b"\x21\xf9\4\0\0\0\0\0" + b"\x2c" + bytes(8) + b"\x80" + bytes(6) + b"\2\2\x4c\1\0"
    return b"GIF89a" + struct.pack("<HHBBB", 3, 2, 0x80, 0, 0) + bytes(6) + picture * pictures + b"\x3b"


def webp(flags: int = 0) -> bytes:
    chunk = b"VP8X" + struct.pack("<I", 10) + bytes([flags, 0, 0, 0]) + b"\x03\0\0" + b"\x01\0\0"
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def document(*pages: str, password: str = "") -> bytes:
    """A PDF with a line of text on each page."""
    writer = pypdf.PdfWriter()
    font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1")})
    font[NameObject("/BaseFont")] = NameObject("/Helvetica")
    for text in pages:
        page = writer.add_blank_page(200, 200)
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
        fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


async def text_of(data: bytes, name: str = "a.txt", mime: str = "text/plain") -> str:
    return (await read(name, mime, data)).text


async def note_of(name: str, data: bytes, mime: str = "") -> str:
    file = await read(name, mime, data)
    assert (file.text, file.data) == ("", b"")
    return file.note


def test_what_can_be_read_is_downloaded_up_to_a_limit() -> None:
    files = [attached("a.png"), attached("b", "application/pdf"), attached("c.ts", "video/mp2t"), attached("README")]
    assert [(one.limit, one.note) for one in plan(files)] == [(LARGEST_IMAGE, ""), *[(LARGEST, "")] * 3]


@pytest.mark.parametrize(
    ("file", "note"),
    [
        (attached("big.zip"), f"big.zip was not read: {ONLY}"),
        (attached("film", "video/mp4; codecs=x"), f"film was not read: {ONLY}"),
        (attached("me.HEIC"), "me.HEIC was not read: of images I can look at PNG, JPEG, WebP and GIF only."),
        (attached("huge.csv", "text/csv", 10_000_001), "huge.csv was not read: it is larger than 10 MB."),
        (attached("huge.jpg", "image/jpeg", 9_000_000), "huge.jpg was not read: it is larger than 8 MB."),
    ],
)
def test_what_cannot_be_read_is_not_downloaded(file: dict[str, Any], note: str) -> None:
    assert [(one.limit, one.note) for one in plan([file])] == [(0, note)]


def test_files_beyond_the_fifth_are_told_of_in_one_sentence() -> None:
    plans = plan([attached("a.zip"), *(attached(f"{number}.txt") for number in range(7))])
    assert [bool(one.limit) for one in plans] == [False, *[True] * 5, False, False]
    assert {one.note for one in plans[6:]} == {"I read the first 5 files only; 5.txt and 6.txt were left out."}


def test_what_is_to_be_read_is_never_cut_for_what_is_not() -> None:
    plans = plan([*(attached(f"{number}.zip") for number in range(30)), attached("photo.png")])
    assert [one.name for one in plans if one.limit] == ["photo.png"]
    assert [one.note for one in plans[20:]] == ["", "10 more files were not read."]


def test_many_files_beyond_the_fifth_are_still_told_of() -> None:
    photos = [attached(f"{number}.png") for number in range(6)]
    plans = plan([*photos[:5], *(attached(f"{number}.zip") for number in range(21)), photos[5]])
    assert [one.note for one in plans[25:]] == [
        "I read the first 5 files only; 5.png was left out.",
        "1 more file was not read.",
    ]


@given(st.dictionaries(st.sampled_from(["name", "mime", "size"]), st.one_of(st.none(), st.integers(), st.text())))
def test_a_platform_may_say_anything(file: dict[str, Any]) -> None:
    (one,) = plan([file])
    assert one.name
    assert one.size >= 0
    assert (one.limit > 0) is (one.note == "")


@given(st.text())
def test_names_are_printable_short_and_one_line(name: str) -> None:
    shown = told(name)
    assert 0 < len(shown) <= 80
    assert shown.splitlines() == [shown]


def test_a_long_name_keeps_its_ending() -> None:
    assert told("x" * 100 + ".tar.gz") == "x" * 76 + "….gz"


def test_a_name_is_no_address() -> None:
    assert told("http://evil.com/www.login.txt") == "http:\u200b//evil.com/www\u200b.login.txt"


async def test_a_failed_download_is_told() -> None:
    (one,) = plan([attached("a.txt")])
    assert one.lost() == File("a.txt", "", 100, note="a.txt was not read: it could not be downloaded.")


@pytest.mark.parametrize(
    ("data", "mime"),
    [(png(), "image/png"), (jpeg(3, 2), "image/jpeg"), (gif(1), "image/gif"), (webp(), "image/webp")],
)
async def test_an_image_is_known_by_its_content(data: bytes, mime: str) -> None:
    assert await read("a.bin", "application/octet-stream", data) == File("a.bin", mime, len(data), data=data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (LOGIN, "a web page came in its place"),
        (b"hello", "it is damaged, or not an image that I know"),
        (png()[:20], "the image is damaged"),
        (jpeg(3, 2)[:18], "the image is damaged"),
        (png(0, 1), "the image is damaged"),
        (gif(2), "I cannot look at moving images"),
        (webp(flags=2), "I cannot look at moving images"),
        (png(65_535, 2), "65535 × 2 pixels are too many"),
        (jpeg(10_000, 10_000), "10000 × 10000 pixels are too many"),
        (png() + bytes(LARGEST_IMAGE), "it is larger than 8 MB"),
    ],
)
async def test_an_image_that_no_model_takes_is_refused(data: bytes, why: str) -> None:
    assert await note_of("a.png", data, "image/png") == f"a.png was not read: {why}."


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([png(), jpeg(3, 2), gif(2), webp(), document("Hi")[:9], b"", b"\xff\xfe"]), st.binary())
async def test_any_content_gives_an_answer(beginning: bytes, rest: bytes) -> None:
    name = "a.txt" if beginning.startswith(b"%PDF") else "a.png"
    file = await read(name, "", beginning.replace(b"%PDF-", b"%PDF") + rest)
    assert file.text or file.data or file.note


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Käse ✓".encode(), "Käse ✓"),
        ("Käse ✓".encode("utf-8-sig"), "Käse ✓"),
        ("Käse ✓".encode("utf-16"), "Käse ✓"),
        ("Der Käse – 3 €".encode("cp1252"), "Der Käse – 3 €"),
        (b"a\r\nb\rc\x1b[0m", "a\nb\nc[0m"),
        (b" \n", "(This file is empty.)"),
        (b"", "(This file is empty.)"),
    ],
)
async def test_text_is_read_in_the_encodings_that_people_use(data: bytes, text: str) -> None:
    assert await text_of(data) == text


@pytest.mark.parametrize(
    "data", [b"text\0text", b"\xff\xfe\0\0\0\0", "Привет".encode("cp1251"), b"\1\2\3\4", b"\x81" + b" " * 9]
)
async def test_what_is_no_text_is_refused(data: bytes) -> None:
    assert await note_of("a.txt", data) == f"a.txt was not read: {ONLY}"


async def test_a_page_in_place_of_data_is_refused_but_a_page_is_read() -> None:
    assert await note_of("a.csv", LOGIN) == "a.csv was not read: a web page came in its place."
    assert await text_of(LOGIN, "a.html", "text/html") == LOGIN.decode()


async def test_a_long_text_is_cut_at_a_line_and_both_are_told() -> None:
    file = await read("a.log", "", b"0123456789\n" * 10_000)
    assert file.text.endswith(f"0123456789\n{SEARCHED}")
    assert len(file.text) == pytest.approx(LONGEST_TEXT, abs=80)
    assert file.note == "a.log is long: I read only the first 49,994 of its 110,000 characters."


@pytest.mark.parametrize("text", ["x" * 60_000, "日本語" * 10_000])
async def test_a_text_without_lines_is_cut_within_its_bytes(text: str) -> None:
    kept = (await text_of(text.encode())).removesuffix(f"\n{SEARCHED}")
    assert text.startswith(kept)
    assert LONGEST_TEXT - 3 < len(kept.encode()) <= LONGEST_TEXT


async def test_files_share_a_room() -> None:
    files: list[File] = []
    for name in ("a.txt", "b.txt", "c.txt"):
        files.append(await read(name, "", b"x" * 60_000, room=room_left(files)))
    assert sum(len(file.text) for file in files) == pytest.approx(ALL_TEXT, abs=200)
    assert (files[2].text, files[2].note) == (IN_SEARCH, "")


async def test_a_pdf_is_read_page_by_page() -> None:
    file = await read("a.pdf", "", document("Hello", "World"))
    assert (file.text, file.note, file.mime) == ("[page 1]\nHello\n\n[page 2]\nWorld", "", "application/pdf")


async def test_a_pdf_is_read_to_its_fiftieth_page() -> None:
    file = await read("a.pdf", "", document(*(f"Page {number}" for number in range(60))))
    assert file.text.endswith("[page 50]\nPage 49\n[cut here: the file goes on, to page 60]")
    assert file.note == "a.pdf is long: I read only the first 50 of its 60 pages."


async def test_a_pdf_with_much_text_is_cut_within_a_page() -> None:
    file = await read("a.pdf", "", document("x" * 600, "y" * 600, "z"), room=1000)
    assert file.note == "a.pdf is long: I read only the beginning, to page 2 of its 3 pages."
    assert "z" not in file.text.partition("[cut here")[0]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (document("Secret", password="hush"), "it is protected by a password, or in another way"),
        (document(""), "its pages hold no text (they may be scanned)"),
        (b"%PDF-1.7\nhello", "the PDF is damaged"),
        (document("Hello")[:200], "the PDF is damaged"),
        (LOGIN, "a web page came in its place"),
        (b"hello", "it is damaged, or not a PDF"),
    ],
)
async def test_a_pdf_that_cannot_be_read_says_why(data: bytes, why: str) -> None:
    assert await note_of("a.pdf", data, "application/pdf") == f"a.pdf was not read: {why}."


def hostile(body: bytes) -> bytes:
    """A PDF whose only page has this content stream, compressed."""
    packed = zlib.compress(body, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</Font<<>>>>/Contents 4 0 R>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(packed), packed),
    ]
    numbered = b"".join(b"%d 0 obj%b endobj\n" % (number, body) for number, body in enumerate(objects, 1))
    return b"%PDF-1.7\n" + numbered + b"trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF"


@pytest.mark.parametrize("body", [b"[" * 200_000, b" " * 100_000_000], ids=["deep", "bomb"])
async def test_a_hostile_pdf_is_given_up(body: bytes) -> None:
    assert (await note_of("a.pdf", hostile(body))).startswith("a.pdf was not read: ")


async def test_who_leaves_takes_the_reading_of_a_pdf_along() -> None:
    data = hostile(b"BT (a) Tj ET " * 1_000_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await pdf.read(data, pages=50, room=1000, seconds=60)


async def test_a_pdf_that_takes_too_long_is_ended_and_nothing_waits_for_it() -> None:
    data = hostile(b"BT (a) Tj ET " * 1_000_000)
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    beating = asyncio.create_task(beat())
    assert await pdf.read(data, pages=50, room=1000, seconds=0.5) == pdf.Pages(problem="slow")
    beating.cancel()
    assert beats > 10


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[asyncio.subprocess.Process]:
    """The processes that are started to read PDFs."""
    started: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()
    start = asyncio.create_subprocess_exec

    async def noted(*command: str, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*command, **options)
        started.put_nowait(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    return started


def ignores(pid: int, number: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored.split()[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_the_end_of_parley_is_none_of_a_pdf_readers_business(
    readers: asyncio.Queue[asyncio.subprocess.Process], ending: signal.Signals
) -> None:
    slow = hostile(b"BT (a) Tj ET " * 1_000_000)
    reading = asyncio.create_task(pdf.read(slow, pages=1, room=9, seconds=60))
    reader = await readers.get()
    assert os.getsid(reader.pid) != os.getsid(0)
    async with asyncio.timeout(20):
        while not ignores(reader.pid, ending):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    reader.send_signal(ending)
    reading.cancel()
    await asyncio.wait([reading])
    assert reader.returncode == -signal.SIGKILL


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_a_pdf_whose_reader_was_ended_from_outside_is_read_again(
    readers: asyncio.Queue[asyncio.subprocess.Process], ending: signal.Signals
) -> None:
    data = document("Hello")
    reading = asyncio.create_task(read("a.pdf", "", data))
    (await readers.get()).send_signal(ending)
    assert await reading == File("a.pdf", "application/pdf", len(data), "[page 1]\nHello")


async def test_a_pdf_whose_readers_are_all_ended_is_not_called_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    start = asyncio.create_subprocess_exec

    async def ended(*_: str, **options: Any) -> asyncio.subprocess.Process:
        return await start("/bin/sh", "-c", "kill -TERM $$", **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", ended)
    why = "its reading was stopped, please send it again"
    assert await note_of("a.pdf", document("Hello")) == f"a.pdf was not read: {why}."


def test_a_pdf_reader_that_nobody_ends_has_a_second_of_work_for_each_that_it_was_given() -> None:
    data = hostile(b"BT (a) Tj ET " * 3_000_000)
    command = (sys.executable, "-P", bounded.__file__, "bot.pdf", '{"pages": 50, "room": 100000000}', "1")
    ended = subprocess.run(command, input=data, capture_output=True, timeout=60)  # noqa: PLW1510
    assert ended.returncode == -signal.SIGXCPU


async def test_pdfs_are_read_one_after_the_other_where_there_is_one_place(
    readers: asyncio.Queue[asyncio.subprocess.Process],
) -> None:
    places = asyncio.Semaphore(1)
    reading = [asyncio.create_task(pdf.read(document("Hi"), pages=1, room=99, places=places)) for _ in range(2)]
    first = await readers.get()
    await readers.get()
    assert first.returncode == 0
    assert [found.text for found in await asyncio.gather(*reading)] == ["[page 1]\nHi"] * 2
