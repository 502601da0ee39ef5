"""Files of each kind as passages, and what people are told of those that cannot be read."""

from __future__ import annotations

import asyncio
import datetime
import io
import json
import time
import zipfile

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from bot.documents import extracting
from bot.documents.reading import LARGEST, READABLE, Document, read
from tests import documents

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
LETTER = documents.word("# Letter\n\nDear reader.")
DAMAGED, PROTECTED = "it is damaged, or not what its name says", "it is protected by a password, or in another way"


async def found(name: str, data: bytes, mime: str = "") -> Document:
    document = await read(name, mime, data)
    assert document.problem == ""
    return document


async def problem(name: str, data: bytes, mime: str = "") -> str:
    document = await read(name, mime, data)
    assert document.passages == ()
    return document.problem.removeprefix(f"{name} was not read: ").removesuffix(".")


def said(document: Document) -> str:
    return "\n\n".join(one.text for one in document.passages)


async def test_every_file_of_the_library_is_read_and_every_answer_stands_in_a_passage() -> None:
    files = {name: await found(name, data) for name, data in documents.library().items()}
    for one in (*documents.questions(), *documents.questions(documents.FURTHER)):
        assert any(one.phrase in " ".join(passage.text.split()) for passage in files[one.file].passages), one


async def test_a_markdown_file_is_cited_by_section_and_lines() -> None:
    document = await found("travel.md", documents.text("travel-rules.md").encode())
    (lodging,) = (one for one in document.passages if "Lodging is" in one.text)
    assert str(lodging.place).startswith("section Car … Eating there, lines ")


async def test_a_pdf_is_cited_by_page() -> None:
    pages = documents.paged("handbook.md")
    document = await found("handbook.pdf", documents.pdf(pages))
    assert document.pages == len(pages) == 2
    for one in document.passages:
        words = " ".join(pages[one.place.first - 1].replace("ń", "?").split())
        assert " ".join(one.text.split()) in words
    assert {str(one.place) for one in document.passages} == {"page 1", "page 2"}


async def test_a_word_file_is_read_in_its_order_and_cited_by_section() -> None:
    document = await found("security.docx", documents.word(documents.text("security-policy.md")))
    (classes,) = (one for one in document.passages if "| Secret |" in one.text)
    assert str(classes.place) == "section 3. Data classes … 4. Customers' measurements"
    assert (
        classes.text.index("| Class | Examples")
        < classes.text.index("| Secret |")
        < classes.text.index("Confidential data")
    )
    assert classes.place.heading.startswith("Information security policy › 3. Data classes …")


async def test_a_word_file_is_read_where_the_library_for_it_looks_away() -> None:
    document = docx.Document(io.BytesIO(LETTER))
    inside = "<w:sdt {0}><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    put_in, left_out = "<w:r><w:t>Put in.</w:t></w:r>", "<w:r><w:delText>Out.</w:delText></w:r>"
    changed = f"<w:p {{0}}><w:ins>{put_in}</w:ins><w:del>{left_out}</w:del></w:p>"
    for number, xml in enumerate((inside, changed)):
        document.element.body.insert(2 + number, parse_xml(xml.format(nsdecls("w"))))
    made = io.BytesIO()
    document.save(made)
    assert said(await found("a.docx", made.getvalue())) == "# Letter\n\nDear reader.\n\nIn a control.\n\nPut in."


async def test_a_text_box_is_read_once() -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>In a box.</w:t></w:r></w:p></w:txbxContent>"
    both = f"<mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    space = b'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    data = letter(b"<w:t>Dear", b"<w:r %b>%b</w:r><w:t>Dear" % (space, both.encode()))
    assert said(await found("a.docx", data)) == "# Letter\n\nIn a box. Dear reader."


async def test_a_workbook_is_read_beyond_what_it_says_of_its_size() -> None:
    book = documents.workbook(A=[["a", "b"], ["c", "d"]])
    sheet = documents.part(book, "xl/worksheets/sheet1.xml")
    assert b'ref="A1:B2"' in sheet
    for size in (b"A1", b"A1:XFD1048576"):
        changed = documents.repacked(book, sheet1=sheet.replace(b'ref="A1:B2"', b'ref="%b"' % size))
        assert said(await found("a.xlsx", changed)) == "a | b\n\na: c\nb: d"


async def test_a_workbook_is_cited_by_sheet_and_rows() -> None:
    prices: list[list[object]] = [
        ["Article", "Price", "Since", "Discount"],
        ["A-1", 9.5, datetime.date(2031, 5, 1), None],
        ["B-2", 12, None, True],
    ]
    document = await found("prices.xlsx", documents.workbook(Prices=prices, Notes=[["Ask Ines."]]))
    first, second = document.passages
    assert first.text == (
        "Article | Price | Since | Discount\n\nArticle: A-1\nPrice: 9.5\nSince: 2031-05-01\n\n"
        "Article: B-2\nPrice: 12\nDiscount: yes"
    )
    assert (str(first.place), str(second.place)) == ("sheet Prices, rows 1–3", "sheet Notes, row 1")


async def test_csv_json_and_code_are_read() -> None:
    assert "Product: Drizzle Rain Gauge\n" in said(await found("p.csv", documents.text("price-list.csv").encode()))
    code = await found("ingest.py", documents.text("ingest.py").encode())
    assert any(str(one.place).startswith("lines ") and "class Doubles" in one.text for one in code.passages)
    settings = await found("s.json", documents.text("gateway-config.json").encode())
    assert said(settings).startswith('{\n  "model": "GW-1",')


async def test_json_without_lines_is_read_as_it_would_be_written() -> None:
    minified = json.dumps(json.loads(documents.text("gateway-config.json")) | {"deep": ["é" * 3] * 300})
    document = await found("s.json", minified.encode())
    assert '\n "site": "mill-weir",\n' in said(document)
    assert str(document.passages[0].place).endswith("of its text")
    assert said(await found("deep.json", b"[" * 3000)).startswith("[[[[")


async def test_a_web_page_is_read_without_what_surrounds_it() -> None:
    document = await found("faq.html", documents.text("faq.html").encode())
    assert "counted" not in said(document)
    (battery,) = (one for one in document.passages if "eleven months" in one.text)
    assert str(battery.place).endswith(" … What if there is no mobile coverage at all?")


async def test_a_hostile_web_page_is_not_read_by_half() -> None:
    assert (
        await problem("a.html", b"<p>So it goes on. </p>" * 100_000)
        == "it has more than 5,000 passages (some 4 MB of text). Please split it and send the parts"
    )
    assert "deep" in said(await found("b.html", b"<div>" * 20_000 + b"deep"))
    assert await problem("c.html", b"<script>alert(1)</script>") == "it holds no text"


async def test_a_file_is_known_by_its_content_where_its_name_says_nothing() -> None:
    for data in (documents.pdf(["Dear reader."]), LETTER, b"Dear reader."):
        assert "Dear reader." in said(await found("upload", data))


def bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", documents.part(LETTER, "word/document.xml"))
        archive.writestr("word/media/image.bmp", bytes(200_000_000))
    return made.getvalue()


def letter(before: bytes, after: bytes, encoding: str = "utf-8") -> bytes:
    """The letter with something else in its XML, which any reader could still read."""
    xml = documents.part(LETTER, "word/document.xml")
    assert before in xml
    return documents.repacked(LETTER, document=xml.replace(before, after, 1).decode().encode(encoding))


DOCTYPE = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><w:document '


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.txt", bytes(LARGEST + 1), "it is larger than 20 MB"),
        ("a.txt", b" \n", "it holds no text"),
        ("a.docx", b"", "it holds no text"),
        ("a.docx", documents.word(""), "it holds no text"),
        ("a.xlsx", documents.workbook(Empty=[]), "it holds no text"),
        ("a.pdf", documents.pdf([""]), "its pages hold no text (they may be scanned)"),
        ("a.pdf", documents.pdf(["Secret"], "hush"), PROTECTED),
        ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), PROTECTED),
        ("a.doc", OLE, "it is of an old Office format. Please save it as DOCX or XLSX"),
        ("a.msi", OLE, READABLE),
        ("a.zip", documents.repacked(LETTER)[:-9], DAMAGED),
        ("a.docx", LETTER[:3000], DAMAGED),
        ("a.docx", b"hello", DAMAGED),
        ("a.pdf", b"%PDF-1.7\nhello", DAMAGED),
        ("a.xlsx", documents.repacked(documents.workbook(A=[["b"]]), sheet1=b"<a>"), DAMAGED),
        ("a.docx", letter(b"<w:document ", DOCTYPE), DAMAGED),
        ("a.docx", letter(b"<w:document ", DOCTYPE, "utf-16"), DAMAGED),
        ("a.docx", letter(b"encoding='UTF-8'", b"encoding='UTF-7'"), DAMAGED),
        ("a.docx", bomb(), "what is packed in it is too large"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "it is an image, in which I cannot search"),
        ("a.csv", b"<!DOCTYPE html><html>", "a web page came in its place"),
        ("a.bin", bytes(range(256)), READABLE),
        ("a.mp3", b"ID3", READABLE),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_told(name: str, data: bytes, why: str) -> None:
    assert await problem(name, data) == why


async def test_entities_do_no_harm_where_they_are_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.documents.archive._check", lambda *_: None)
    hostile = letter(b"<w:document ", DOCTYPE)
    assert "haha" not in extracting.answered(hostile, "package")
    assert "Dear reader." in extracting.answered(hostile, "package")


async def test_a_file_of_too_many_passages_is_not_read_by_half() -> None:
    line = b"The weir is measured every ten minutes, by radar.\n"
    assert len((await found("a.txt", line * 100_000)).passages) > 4000
    assert (
        await problem("a.txt", line * 200_000)
        == "it has more than 5,000 passages (some 4 MB of text). Please split it and send the parts"
    )


async def test_a_file_that_takes_too_long_is_given_up_while_all_else_goes_on() -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    beating = asyncio.create_task(beat())
    document = await read("a.txt", "", b"a. " * 6_000_000, seconds=0.5)
    beating.cancel()
    assert document.problem == "a.txt was not read: it takes too long."
    assert beats > 10


async def test_a_large_text_does_not_hold_up_the_loop() -> None:
    longest, last, ended = 0.0, time.perf_counter(), False

    async def beat() -> None:
        nonlocal longest, last
        while not ended:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    beating = asyncio.create_task(beat())
    document = await read("a.txt", "", documents.text("handbook.md").encode() * 1200)
    ended = True
    await beating
    assert len(document.passages) > 3000
    assert longest < 0.5


async def test_files_wait_for_a_place() -> None:
    places = asyncio.Semaphore(1)
    async with places:
        reading = asyncio.create_task(read("a.txt", "", b"Hello", places=places))
        await asyncio.sleep(0)
        assert not reading.done()
    assert said(await reading) == "Hello"


async def test_characters_that_no_store_takes_are_left_out_or_replaced() -> None:
    assert said(await found("a.txt", b"a\x1b[0m\r\nb\x0cc\rd")) == "a[0m\nbc\nd"
    assert said(await found("a.json", b'{"a": "\\ud800", "b": "' + b"c " * 1500 + b'"}')).startswith('{\n "a": "?"')
