"""HTML becomes Markdown that can be read, whatever it is made of."""

from __future__ import annotations

import time

import pytest

from tools.html_markdown import DEEPEST, LONGEST_LINK, MOST_TEXT, Readable, markdown, readable

WORDS = "Enough words to be what the page is about. " * 6
BASE = "https://site.example/news/today.html"


def test_headings_lists_tables_code_and_links_stay() -> None:
    html = """<title>A &amp; B</title><h2>Two</h2><p>Some <b>bold</b> and <em>soft</em> text<br>here.</p>
      <ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul><ol start=3><li>three<li>four</ol>
      <table><tr><th>Name<th>Age</tr><tr><td>Ann<td>7</tr></table>
      <pre class="highlight language-python"><code>if x:
    y()</code></pre><p>Use <code>a_b*c</code>, see <a href="../c d.html?x=1">the [page]</a>.</p>
      <blockquote>Said</blockquote>"""
    assert markdown(html, base=BASE).replace("  \n", "\n") == (
        "# A & B\n\n## Two\n\nSome **bold** and *soft* text\nhere.\n\n- one\n  - inner\n- two\n\n3. three\n4. four\n\n"
        "| Name | Age |\n| --- | --- |\n| Ann | 7 |\n\n```python\nif x:\n    y()\n```\n\n"
        "Use `a_b*c`, see [the [page]](https://site.example/c%20d.html?x=1).\n\n> Said"
    )


@pytest.mark.parametrize(
    "unread",
    [
        "<script>no()</script>",
        "<style>no{}</style>",
        "<nav>no</nav>",
        "<footer>no</footer>",
        "<aside>no</aside>",
        "<form><label>no</label><input value=no><button>no</button></form>",
        "<noscript>no</noscript>",
        "<template>no</template>",
        "<iframe>no</iframe>",
        "<svg><title>no</title><text>no</text></svg>",
        "<div hidden>no</div>",
        "<div aria-hidden=true>no</div>",
        "<div style='DISPLAY : none'>no</div>",
        "<div style='color:red;visibility:hidden'>no</div>",
        "<p style='font-size:0'>no</p>",
        "<div role=navigation>no</div>",
        "<div hidden><main>no" + WORDS + "</main></div>",
        "<!-- no -->",
        "<?no no?>",
        "<![CDATA[no]]>",
        "<img src=no>",
        "<textarea>no</textarea>",
        "<select><option>no</select>",
    ],
)
def test_what_nobody_reads_is_left_out(unread: str) -> None:
    assert markdown(f"<p>one</p>{unread}<p>two</p>") == "one\n\ntwo"


@pytest.mark.parametrize("style", ["opacity:0.5", "font-size:0.9em", "display:block", "font-size:08px"])
def test_what_is_seen_is_kept(style: str) -> None:
    assert markdown(f"<p style='{style}'>yes</p>") == "yes"


def test_the_main_part_is_taken_where_it_says_enough() -> None:
    page = readable(f"<div>menu</div><main><h1>News</h1><p>{WORDS}</p></main><div>more</div>")
    assert (page.title, page.text) == ("News", f"# News\n\n{WORDS.strip()}")
    assert markdown("<div>all of it</div><main>short</main>") == "all of it\n\nshort"
    assert markdown(f"<p>menu</p><article>{WORDS}</article><p>more</p>") == WORDS.strip()
    two = f"<article>{WORDS}</article><article>{WORDS}</article><p>{WORDS}</p>"
    assert markdown(two).count("Enough") == 18


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<!doctype html><title>T</title><main><p>x</main>", "x"),
        ("<!doctype html><html><title>T</title><main><p>x</main>", "x"),
        ("<title>T</title><header><h2>x</h2></header><p>y<p>z", "## x\n\ny\n\nz"),
        ("<title>T</title><article><p>x</article>", "x"),
        ("<title>T</title><section>x</section><script>no</script><div>y</div>", "x\n\ny"),
        ("<meta charset=utf-8><title>T</title><link rel=x><main>x<p>y</main>", "x\n\ny"),
        ("<title>T</title><x-app>x</x-app><p>y", "x\n\ny"),
        ("<title>T</title><nav>no</nav><main>x</main><footer>no</footer>", "x"),
        ("<title>T</title><svg><title>no</title></svg><main>x</main>", "x"),
        ("<title>T</title><section hidden>no</section><main>x</main>", "x"),
        ("<title>T</title><noscript><main>no</main></noscript><template><x-a>no</x-a></template><main>x</main>", "x"),
        ("<main>x</main><title>T</title>", "x"),
        ("<head><title>T</title><style>no</style><main>x</main></head><body><p>y", "x\n\ny"),
    ],
)
def test_what_stands_where_the_head_has_no_end_is_read(html: str, shown: str) -> None:
    assert readable(html) == Readable("T", shown)


def test_a_page_inside_a_form_is_read() -> None:
    assert markdown(f"<form><p>{WORDS * 3}</p><button>Send</button></form>") == (WORDS * 3).strip()


def test_a_page_that_its_scripts_would_show_is_read() -> None:
    assert markdown("<body style='opacity:0' hidden><p>yes</p>") == "yes"


@pytest.mark.parametrize(
    ("href", "shown"),
    [
        ("/a", "[x](https://site.example/a)"),
        ("//b.example/", "[x](https://b.example/)"),
        ("mailto:a@b.example", "[x](mailto:a@b.example)"),
        ("http://b.example/a(b)[c]", "[x](http://b.example/a%28b%29%5Bc%5D)"),
        ("#part", "x"),
        ("javascript:alert(1)", "x"),
        (" java\nscript:alert(1)", "x"),
        ("data:text/html,no", "x"),
        ("file:///etc/passwd", "x"),
        ("http://[::1", "x"),
        ("/" + "a" * LONGEST_LINK, "x"),
        (
            "/a) and more text [y](http://evil.example/",
            "[x](https://site.example/a%29%20and%20more%20text%20%5By%5D%28http://evil.example/)",
        ),
    ],
)
def test_links_are_whole_and_lead_to_the_web(href: str, shown: str) -> None:
    assert markdown(f'<a href="{href}">x</a>', base=BASE) == shown


def test_a_page_may_name_its_own_base_for_links() -> None:
    html = "<base href='https://b.example/c/'><base href='javascript:no'><a href='d'>x</a>"
    assert markdown(html, base=BASE) == "[x](https://b.example/c/d)"


def test_without_a_base_whole_links_stay() -> None:
    assert markdown("<a href='d'>x</a> <a href='https://b.example/d'>y</a>") == "x [y](https://b.example/d)"


def test_pictures_are_told_by_their_description() -> None:
    assert markdown("<p>a <img src='data:image/png;base64,AA' alt='a cat'> b</p>") == "a [image: a cat] b"


def test_characters_that_nobody_sees_are_left_out() -> None:
    unseen = "".join(map(chr, [0xE0049, 0xE0067, 0x202E, 0x200B, 0x2063, 0xFEFF, 7, 0x9B, 0xE0101]))
    assert markdown(f"<p>a{unseen}b \U0001f468‍\U0001f469 ❤️ میخ‌واهم</p>") == "ab \U0001f468‍\U0001f469 ❤️ میخ‌واهم"


def test_fillers_and_joiners_that_nobody_sees_are_left_out() -> None:
    unseen = [0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x180E, 0x3164, 0xFFA0, 0xFFF0, 0x1BCA0, 0x1D173, 0xE01EF]
    assert markdown(f"<p>a{''.join(map(chr, unseen))}b") == "ab"
    assert markdown("<p>ᠠ᠋ 한글 क्‍ष") == "ᠠ᠋ 한글 क्‍ष"  # as they are written


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("", ""),
        ("   ", ""),
        ("<!-- x -->", ""),
        ("<", "<"),
        ("just text", "just text"),
        ("<p>a\0b", "ab"),
        ("<?xml version='1.0' encoding='iso-8859-1'?><html xmlns='http://www.w3.org/1999/xhtml'><p>ä</p></html>", "ä"),
        ("</p></div></html>text", "text"),
        ("<p>\ud800</p>", "?"),
        ("<ol start='²'><li>x</ol>", "1. x"),
        (f"<ol start='{'9' * 5000}'><li>x</ol>", "1. x"),
    ],
    ids=ascii,
)
def test_what_is_hardly_html_is_read_all_the_same(html: str, shown: str) -> None:
    assert markdown(html).strip("\n") in (shown, f"{shown}\n")


HOSTILE = {
    "deep": ("<div>" * 10_000 + "inside" + "</div>" * 10_000 + "<p>after</p>", "inside\n\nafter"),
    "deep lists": ("<ul><li>" * 10_000 + "inside", "inside"),
    "deep tables": ("<table><tr><td>" * 10_000 + "inside", "inside"),
    "deep quotes": ("<blockquote>" * 10_000 + "inside", "inside"),
    "a huge attribute": (f"<p class='{'a' * 4_000_000}' title='{'b' * 500_000}'>inside", "inside"),
    "many attributes": (f"<p {' '.join(f'a{n}=1' for n in range(50_000))}>inside", "inside"),
    "open comments": ("<p>inside" + "<!--" * 500_000, "inside"),
    "many brackets": ("<p>inside" + "<" * 500_000, "inside"),
    "gaps": (f"<p>in{' ' * 1_000_000}side", "in side"),
    "gaps as they are": (f"<pre>in{' ' * 500_000}{chr(10) * 400_000}side</pre>", "in\n\nside"),
    "wide cells": ("<table><tr><td colspan=9999999>inside", "inside"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_traps_cost_little_time(name: str) -> None:
    html, shown = HOSTILE[name]
    begun = time.process_time()
    assert shown in readable(html).text
    assert time.process_time() - begun < 3


def test_what_is_too_deep_goes_on_as_text() -> None:
    assert markdown("<blockquote>" * (DEEPEST + 50) + "<b>inside</b>").count(">") < DEEPEST


@pytest.mark.parametrize("html", ["<p>word</p>" * 100_000, "words " * 100_000, "<b>" * 50_000 + "x" * 400_000])
def test_a_long_page_is_cut(html: str) -> None:
    page = readable(html)
    assert page.cut
    assert 0 < len(page.text) <= MOST_TEXT * 2
