"""The model's Markdown as Discord takes it."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.discord.markdown import RULE, to_discord
from adapters.text import Part, opened_by, split

MARKS = [
    *"<>&\\`!|[]()*_#-+~@: \n",
    *["``", "```", "~~~", "\n\n", "  ", "    ", "\t", "\r\n", "||", ">>> ", "-# ", "> ", "- ", "1. ", "1", "**", "---"],
    *["\n```py\n", "\n~~~~ js x\n", "\n\n    ", "#### ", "\n##### **a** b #\n", "- [ ] ", "[x]", "\n***\n"],
    *["| a | b |\n", "|---|:-:|\n", "a | b\n", "--|--\n", "\n| a |\n|---|\n", "\n> | a |\n> |---|\n", "| ``` |\n"],
    *["<br>", "<BR />", "&lt;", "&#60;", "&#x40;", "&amp;", "&nbsp;", "&#49;", "&#96;&#96;&#96;", "&NewLine;"],
    *["![a](https://b.c)", "[a](https://b.c/d_(e))", "](https://b)", '](<https://a b> "t")', "[~~~](mailto:a@b)"],
    *[
        "](tel:1)",
        "](x.md)",
        "<https://a.b/||>",
        "<@1>",
        "<t:1>",
        "@everyone",
        "&nvlt;",
        "\n_ _ _\n",
        "word",
        "é",
        "😀",
    ],
]
BITS = st.sampled_from(MARKS)
TEXTS = st.lists(BITS, max_size=25).map("".join)

LINES = [
    *["Text {}.", "Text {}", "words " * 60 + "{}", "# {}", "#### {}", "##### **{}** and", "> {}", ">{}", ">", ">>> {}"],
    *["- {}", "  - [ ] {}", "1. [x] {}", "", "", "***", "```py x", "```", "   ```", "~~~~", "````", "> ```", "- ```js"],
    *["| {} | b |\n|---|---|", "{} | b\n--|--", "| {} ``` |", "> | {} |\n> |---|", "\n    code {}\n", "\n\tcode {}"],
    *["![{}](https://a.b/{})", "[{}](mailto:{}) [{}](x.md)", "a<br>{}<br>b", "||{}|| `||{}||`"],
    "\n&lt;{}&gt; x ``` {}\n",
]
PIECES = [
    *"<@&!#:t1/>a",
    *["&lt;", "&#64;", "&amp;", "&#33;", "&#35;", "&colon;", "&#116;", "&#49;", "&sol;", "&gt;", "&dollar;"],
]
WRITTEN = st.lists(st.sampled_from(LINES), max_size=60).map(lambda lines: numbered("\n".join(lines)))


def discord(text: str) -> str:
    return to_discord(text, final=True)


def numbered(text: str) -> str:
    """A number in each pair of braces."""
    pieces = text.split("{}")
    return "".join(f"{piece}§{number}" for number, piece in enumerate(pieces[:-1])) + pieces[-1]


def numbers(text: str) -> list[str]:
    return re.findall(r"§\d+", text)


def outside_of_code(text: str) -> str:
    """What Discord does not take for code; an open fence is closed."""
    text += split(text, 100_000, final=True)[-1].closing
    return re.sub(r"(?<!\\)```.+?```|(?<![`\\])(``?)(?!`).+?(?<!`)\1(?!`)", "", text, flags=re.DOTALL)


def balanced(part: Part) -> bool:
    """Whether fences of a message close, as lines and as Discord counts them."""
    fence = None
    for line in part.whole().split("\n"):
        if fence is None or fence.ends_before(line):
            fence = opened_by(line)
        elif fence.closed_by(line):
            fence = None
    return fence is None and part.whole().count("```") % 2 == 0


@settings(max_examples=500, deadline=None)
@given(TEXTS)
@example("| a\n|-|\n|``` `\n")
@example("a | b\n-|-\n``` | c\nd")
@example("> ~~~\n> ```\n>\n b")
@example("\n\n    a\n\n  \n    b\n\n   c")
@example("#### [a](https://b) ``` #")
@example("- [x](https://b)")
@example("[a `b](https://c) d` e")
@example("****\r\n")
@example("  ```\n\xa0<")
def test_while_a_text_grows_its_conversion_only_grows(text: str) -> None:
    before = ""
    for end in range(len(text) + 1):
        now = to_discord(text[:end], final=False)
        assert now.startswith(before)
        assert to_discord(text[:end], final=True).startswith(now)
        before = now


@settings(max_examples=300, deadline=None)
@given(WRITTEN, st.lists(st.integers(0, 3000), max_size=8))
def test_it_only_grows_whatever_pieces_the_text_comes_in(text: str, cuts: list[int]) -> None:
    before = ""
    for end in sorted({*cuts, len(text)}):
        now = to_discord(text[:end], final=False)
        assert now.startswith(before)
        before = now
    assert discord(text).startswith(before)


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, min_size=3, max_size=6).map("".join))
def test_messages_of_a_growing_text_only_grow(text: str) -> None:
    shown: dict[int, str] = {}
    for end in range(0, len(text), 5):
        parts = split(to_discord(text[:end], final=False), 200, final=False)
        assert all(part.whole().startswith(shown.get(part.start, "")) for part in parts)
        shown |= {part.start: part.text for part in parts}
    whole = {part.start: part.whole() for part in split(discord(text), 200, final=True)}
    assert all(whole[start].startswith(before) for start, before in shown.items())


@settings(max_examples=300, deadline=None)
@given(WRITTEN, st.sampled_from([400, 2000]))
def test_each_message_fits_and_closes_its_code_and_nothing_is_lost(text: str, limit: int) -> None:
    parts = split(discord(text), limit, final=True)
    assert all(len(part.whole()) <= limit for part in parts)
    assert all(balanced(part) for part in parts)
    assert numbers("\n".join(part.text for part in parts)) == numbers(text)


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_no_spoiler_and_no_quote_without_end_comes_out(text: str) -> None:
    shown = outside_of_code(discord(text.replace("`", ""))).replace("\\\\", "x").replace("<https://a.b/||>", "x")
    assert not re.search(r"(?<!\\)\|\|", shown)
    assert not re.search(r"(?m)^ *>>> ", shown)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_entity_makes_a_mention(text: str) -> None:
    mention = re.compile(r"(?<!\\)<(?:@[!&]?|#|a?:a:|t:|/a:)\d+>")
    assert len(mention.findall(discord(text))) <= len(mention.findall(text))


TABLE = "| a | b |\n|---|:-:|\n| 1 | <br> \\| **x** |"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (TABLE, f"```\n{TABLE}\n```"),
        (f"Text\n{TABLE}\n\nEnd", f"Text\n```\n{TABLE}\n```\n\nEnd"),
        (f"{TABLE}\nEnd\n", f"```\n{TABLE}\n```\nEnd\n"),
        (f"{TABLE}\n- x | y", f"```\n{TABLE}\n```\n- x | y"),
        (f"{TABLE}\n```\nx\n```", f"```\n{TABLE}\n```\n```\nx\n```"),
        ("| a | b |\n--|--\n1 | 2\n", "```\n| a | b |\n--|--\n1 | 2\n```"),
        ("a | b\n--|--\n1 | 2\n", "a | b\n--|--\n1 | 2\n"),
        ("  | a |\n  |---|\n", "```\n  | a |\n  |---|\n```"),
        ("> | a |\n>|---|\n> | b |\nEnd", "> ```\n> | a |\n> |---|\n> | b |\n> ```\nEnd"),
        ("| `` ``` ```` |\n|-|\n", "```\n| `` ``\u200b` ``\u200b`` |\n|-|\n```"),
        ("| a |\n| b |", "| a |\n| b |"),
        ("a\n---|---\nb | c\n---", f"a\n---|---\nb | c\n{RULE}"),
        (f"```\n{TABLE}\n```", f"```\n{TABLE}\n```"),
    ],
)
def test_a_table_is_shown_as_code(text: str, shown: str) -> None:
    assert discord(text) == shown


def test_a_growing_table_is_shown_row_by_row_once_it_is_one() -> None:
    assert [to_discord(TABLE[:end], final=False) for end in (9, 12, 19, 20, 23)] == [
        "",
        "",
        "",
        "```\n| a | b |\n|---|:-:|\n",
        "```\n| a | b |\n|---|:-:|\n| 1",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("~~~~ python title=x\na\n~~~\n~~~~\nb", "```python\na\n~~~\n```\nb"),
        ("`````md\n```js\n````\n`````\n", "```md\n``\u200b`js\n``\u200b``\n```\n"),
        ("```c++ x\na ``` b\n```", "```c++\na ``\u200b` b\n```"),
        ("```{.python}\na\n```", "```\na\n```"),
        ("- ```js\n  a\n\n  b\n  ```\n- c", "- ```js\n  a\n  \n  b\n  ```\n- c"),
        ("1. a\n\n   ~~~\n   b\n   ~~~\n", "1. a\n\n   ```\n   b\n   ```\n"),
        ("> ~~~\n>a\n>\n> ~~~\nb", "> ```\n> a\n> \n> ```\nb"),
        ("> ```\n> a\nb", "> ```\n> a\n> ```\nb"),
        ("```\na || <br> &lt; \\|", "```\na || <br> &lt; \\|"),
    ],
)
def test_code_is_fenced_by_three_backticks_and_ends_where_it_should(text: str, shown: str) -> None:
    assert discord(text) == shown


def test_code_by_its_indentation_is_fenced_too() -> None:
    text = "So:\n\n    *a = b * c;\n\n    ||d&lt;\n\nEnd"
    assert discord(text) == "So:\n\n```\n    *a = b * c;\n\n    ||d&lt;\n```\n\nEnd"
    assert discord("- a\n\n    b &lt; c") == "- a\n\n    b \\< c"


@pytest.mark.parametrize("code", ["`a || b`", "``a ` <br> &lt;``", "`[a](mailto:b)`", "`>>> a\n&amp;`", "`\\`"])
def test_code_in_a_line_stays_exact(code: str) -> None:
    assert discord(f"x {code} y") == f"x {code} y"


def test_backticks_that_are_no_code_make_none() -> None:
    assert discord("a ``` b\n\nc ``` d ` e") == "a \\`\\`\\` b\n\nc \\`\\`\\` d \\` e"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# a\n## b\n### **c**", "# a\n## b\n### **c**"),
        ("#### a\n##### b #\n###### c", "**a**\n**b**\n**c**"),
        ("#### **a**\n#### The **b** `**c**` ***d***", "**a**\n**The b `**c**` *d***"),
        ("#### a &amp; [b](https://c.d) |", "**a & [b](https://c.d) |**"),
        ("> #### a\n- #### b", "> **a**\n- **b**"),
        ("#### ###\n####\n####a\n####### b", "\n####\n####a\n####### b"),
    ],
)
def test_headings_that_discord_does_not_have_are_bold(text: str, shown: str) -> None:
    assert discord(text) == shown


@pytest.mark.parametrize("rule", ["***", "---", "___", "* * *", "- - -", "_____", " ***  "])
def test_a_rule_is_a_line_and_begins_nothing_bold(rule: str) -> None:
    assert discord(f"a\n\n{rule}\n\n**b**").replace(f"{RULE}  ", RULE) == f"a\n\n{RULE}\n\n**b**"
    assert discord(f"> {rule.strip()}") == f"> {RULE}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[a](https://b.c/d_(e)) <https://f.g>", "[a](https://b.c/d_(e)) <https://f.g>"),
        ('[a](https://b.c "Title") [d](<https://e.f/g h>)', "[a](https://b.c) [d](<https://e.f/g%20h>)"),
        ("![a cat](https://a.b/c.png)", "[a cat](https://a.b/c.png)"),
        ("![](https://a.b/c.png)", "https://a.b/c.png"),
        ("[![build](https://a.b/c.svg)](https://a.b)", "[build](https://a.b)"),
        ("[https://a.b](https://a.b/)", "https://a.b/"),
        ("[on https://a.b](https://c.d)", "on https://a.b (https://c.d)"),
        ("[write](mailto:a@b.c) [call](tel:+123)", "write (a@b.c) call (+123)"),
        ("[a@b.c](mailto:a@b.c)", "a@b.c"),
        ("[# a](mailto:b)", "\u200b# a (b)"),
        (
            "[a](docs/b.md) [c](#d) [e](javascript:f) ![g](h.png)",
            "[a](docs/b.md) [c](#d) [e](javascript:f) ![g](h.png)",
        ),
        ("Yes![1] a[0] [b [c", "Yes![1] a[0] [b [c"),
        ("Yes.[^1]\n\n[^1]: Source", "Yes.[^1]\n\n[^1]: Source"),
    ],
)
def test_links_lead_where_they_did(text: str, shown: str) -> None:
    assert discord(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a<br>b <BR /> c", "a\nb \nc"),
        ("a<br>\nb<br>", "a\nb"),
        ("a<br># b<br>1. c", "a\n\u200b# b\n\u200b1. c"),
        ("> a<br>b", "> a\n> b"),
        ("- a<br>b\n\nc<br>d", "- a\n  b\n\nc\nd"),
        ("#### a<br>b", "**a b**"),
        ("`<br>` <brr> <b>", "`<br>` <brr> <b>"),
    ],
)
def test_a_break_in_html_is_one_and_begins_nothing(text: str, shown: str) -> None:
    assert discord(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a&nbsp;&mdash; &#39;b&quot; R&amp;D &amp;lt;", "a\xa0— 'b\" R&D &lt;"),
        ("&lt;b&gt; &#42;c&#42; &#124;&#124;d", "\\<b\\> \\*c\\* \\|\\|d"),
        ("&lt;@1> <&#64;1> <@&amp;1> <@&#49;>", "\\<@1> <\\@1> <@\\&1> <@\u200b1>"),
        ("&gt; a\n&#35; b\n1&#46; c", "\\> a\n\\# b\n1\\. c"),
        ("&unknown; &#10; & &a <3", "&unknown; &#10; & &a <3"),
    ],
)
def test_entities_become_characters_that_mean_nothing(text: str, shown: str) -> None:
    assert discord(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a || b ||| c | d", "a \\|\\| b \\|\\|\\| c | d"),
        (">>> a\n- >>> b\n>>>c", "\\>>> a\n- \\>>> b\n> >>c"),
        ("-# a\n - # b", "\\-# a\n - # b"),
        (">a\n>\n> b", "> a\n> \n> b"),
        ("- [ ] a\n- [x] b\n  1. [X] c\n> * [ ]", "- ☐ a\n- ☑ b\n  1. ☑ c\n> * ☐"),
        ("[x] a\n- [x](https://b.c)\n- [y] d", "[x] a\n- [x](https://b.c)\n- [y] d"),
    ],
)
def test_what_only_discord_or_only_markdown_knows_reads_as_it_was_meant(text: str, shown: str) -> None:
    assert discord(text) == shown


def test_what_discord_shows_by_itself_is_left_alone() -> None:
    text = "# T\n\n- a\n  1. b\n* c\n\n> q **b** _i_ ~~s~~ \\*c\\*\n\n@everyone <@1> <#2> <:a:3> $x_1$ \\(y\\) 1) z\n"
    assert discord(text) == text


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("see <", "<"),
        ("x ![img](https://a", "![img](https://a"),
        ("x [a](htt", "[a](htt"),
        ("end\\", "\\"),
        ("some `co", "`co"),
        ("a ||", "||"),
        ("AT&am", "&am"),
        ("a<br>  ", "<br>  "),
        ("\n``", "``"),
        ("\n#### a", "#### a"),
        ("\n- [", "- ["),
        ("\n| a | b |\n|--", "| a | b |\n|--"),
    ],
)
def test_an_undecided_end_is_held_back(text: str, held: str) -> None:
    assert to_discord(text, final=False) == text.removesuffix(held)


def test_words_are_shown_as_they_come() -> None:
    assert [to_discord("Snow | b"[:end], final=False) for end in range(9)] == [
        "Snow | b"[:end] for end in (*range(6), 5, 7, 8)
    ]


def test_time_is_linear_in_the_text() -> None:
    began = time.process_time()
    for bit in [
        *[bit for bit in MARKS if bit.strip()],
        *["`` ` ", "](", "![", "![[", "[a](b ", "[[", "[a[b", "[`", "[a](", "[a] (", "a\\", "<a ", "\n>", "<br  "],
        *["\n    a\n", "\n\n", "\n \n    ", "    a\n\n\n\n", "|\n", "a|b\n-", "- - ", "_ ", "#### `", "#### # "],
        *["<https://x", '](x "', "&#", "> > ", "1. ", "* ", " *", "~~~ ", "![](a", "[![](", "**`", "|a"],
    ]:
        text = bit * (8_000 // len(bit))
        to_discord(text, final=True)
        to_discord(text + "\n.", final=False)
        to_discord("#### " + text.replace("\n", ""), final=True)
        to_discord("```\n" + text, final=True)
        to_discord("| a |\n|---|\n|" + text, final=False)
    assert time.process_time() - began < 6
