"""The model's Markdown as Slack takes it, and what people type in Slack as the model reads it."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adapters.plain import title
from adapters.slack.markdown import fallback, to_slack
from adapters.slack.typed import mentioned, readable
from adapters.text import split

BITS = st.sampled_from(
    [
        *[
            "<",
            ">",
            "&",
            "\\",
            "`",
            "``",
            "```",
            "~~~",
            "!",
            "[",
            "]",
            "(",
            ")",
            "|",
            "@",
            "#",
            "\n",
            "\n\n",
            " ",
            "  ",
        ],
        *[
            "<!channel>",
            "<!here|here>",
            "<@U123ABC>",
            "<#C123|x>",
            "<!subteam^S1>",
            "@channel",
            "@HERE",
            "@every",
            "one",
        ],
        *["    ", "\n\n    ", "    a <b>\n", "\t", "<br>", "<BR />", "<@user.x>", "<#if x>"],
        *[
            "```py\n",
            "~~~~\n",
            "> ",
            "- ",
            "1. ",
            "1",
            "&lt;",
            "&#60;",
            "&#x3c;!here>",
            "&amp;",
            "&nbsp;",
            "&#64;channel",
        ],
        *["https://a.b/@here", "](https://a.b/c_(d))", '](<a b> "t")', "](javascript:x)", "![alt](https://i.png)"],
        *[
            "<https://x.y>",
            "<https://x.y|la bel>",
            "<joe@x.org>",
            "]: x",
            "[^1]: note",
            "<!--",
            "word",
            "\r\n",
            "é",
            "😀",
        ],
    ]
)
TEXTS = st.lists(BITS, max_size=25).map("".join)
PING = re.compile(r"<(?:!(?i:here|channel|everyone|subteam)|@[UW]|#C)")
MARKDOWN = MarkdownIt("commonmark").enable("table")


def slack(text: str) -> str:
    return to_slack(text, final=True)


def seen(text: str) -> str:
    """What a Markdown reader shows of it, tags and zero-width spaces taken away."""
    shown = MARKDOWN.render(slack(text)).replace("\u200b", "")
    bare = re.sub(r"<[^>]*>", "", shown)
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&").strip()


@settings(max_examples=500, deadline=None)
@given(TEXTS)
@example("![a\\](b)](https://x)")
@example("[a]: https://a.b")
@example("`a\n``\nb`")
@example("> ```\n> <b>\n<b>")
@example(">```\n `")
def test_while_a_text_grows_its_conversion_only_grows(text: str) -> None:
    before = ""
    for end in range(len(text) + 1):
        now = to_slack(text[:end], final=False)
        assert now.startswith(before)
        assert to_slack(text[:end], final=True).startswith(now)
        before = now


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, min_size=3, max_size=6).map("".join))
def test_messages_of_a_growing_text_only_grow(text: str) -> None:
    shown: dict[int, str] = {}
    for end in range(0, len(text), 5):
        parts = split(to_slack(text[:end], final=False), 200, final=False)
        assert all(part.whole().startswith(shown.get(part.start, "")) for part in parts)
        shown |= {part.start: part.text for part in parts}
    whole = {part.start: part.whole() for part in split(to_slack(text, final=True), 200, final=True)}
    assert all(whole[start].startswith(before) for start, before in shown.items())


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_no_text_of_the_model_notifies_anyone(text: str) -> None:
    assert not PING.search(slack(text))
    assert not PING.search(slack(text).replace("&lt;", "<"))
    assert not re.search("[<@](?:!?channel|!?here|everyone)", fallback(text, 500), re.IGNORECASE)


@pytest.mark.parametrize(
    "text",
    [
        "a < b && c > d",
        "List<String>",
        "<div class='x'>hi</div>",
        "<!-- note -->",
        "x <!channel> y",
        "<@U123>",
        "AT&T",
        "<3",
    ],
)
def test_brackets_and_ampersands_are_seen_as_they_are(text: str) -> None:
    assert seen(text) == text


def test_pings_are_shown_but_dead() -> None:
    assert slack("<!channel> and @here, <@U1>") == "&lt;\u200b!channel> and @\u200bhere, &lt;\u200b@U1>"
    assert slack("\\<!here> &lt;!here&gt; &#64;channel") == "&lt;\u200b!here> &lt;\u200b!here&gt; @\u200bchannel"


@pytest.mark.parametrize("text", ["ask joe@here.com", "https://social.example/@channel/1", "[me](https://x.y/@here)"])
def test_addresses_with_an_at_sign_stay_whole(text: str) -> None:
    assert slack(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "```html\n<b>&amp;</b> <!DOCTYPE html>\n  @channel\n```\n",
        "~~~~\n```\n<a>\n~~~\n~~~~\n",
        "1. Do\n\n   ```cpp\n   #include <map>\n   ```\n",
        "   ```\n<x>\n   ```",
        "`<T>` and ``a ` <b>`` and ``` ``<i>&lt; ```",
        "> ```\n> <b>\n> ```\n",
        "- ```js\n  a<b\n  ```\n",
        "a `code <b>\nover lines` end",
    ],
)
def test_code_stays_exact(text: str) -> None:
    assert slack(text) == text


@given(st.text(alphabet="ab<>&`~!@#\\[]() \n", max_size=60))
def test_whatever_is_in_a_fence_is_shown_there(code: str) -> None:
    lines = "".join(f"{line}\n" for line in code.split("\n"))
    (fence,) = MARKDOWN.parse(slack("``````\n" + lines.replace("``````", "") + "``````"))[:1]
    assert fence.content.replace("\u200b", "") == lines.replace("``````", "")


def test_a_ping_in_code_is_dead_as_well() -> None:
    assert slack("`<!here>`\n```\n<@U123>") == "`<\u200b!here>`\n```\n<\u200b@U123>"


@pytest.mark.parametrize(
    "text",
    [
        "So:\n\n    x = a < b && c[0](d)\n\n    <i> @channel `\n\nEnd",
        "    #include <map>\n",
        "\tvector<int> v;",
        "```ftl\n<#if x><@user.macro/><#global y><@us1>\n```\n",
        "`<@u1> <#data> <!DOCTYPE>`",
    ],
)
def test_code_that_is_indented_or_looks_like_a_ping_stays_exact(text: str) -> None:
    assert slack(text) == text


@pytest.mark.parametrize("text", ["a\n    x<b>", "- a\n\n    x<b>", "1. a\n\n   b\n\n    x<b>", "   x<b>"])
def test_what_is_indented_for_other_reasons_is_text(text: str) -> None:
    assert slack(text) == text.replace("<", "&lt;")


def test_after_a_list_indented_lines_are_code_again() -> None:
    assert slack("- a\n\nb <c>\n\n    <d>\ne <f>") == "- a\n\nb &lt;c>\n\n    <d>\ne &lt;f>"
    assert slack("x\n\n    <@U123>") == "x\n\n    <\u200b@U123>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("| a<br>b | c<BR />d |", "| a b | c d |"),
        ("a | b\n--|--\nx<br/>y | z", "a | b\n--|--\nx y | z"),
        ("one<br>two", "one  \n\u200btwo"),
        ("one<br>\ntwo", "one  \ntwo"),
        ("`<br>` <brr> <b>", "`<br>` &lt;brr> &lt;b>"),
    ],
)
def test_a_break_in_html_is_one_or_in_a_table_a_space(text: str, shown: str) -> None:
    assert slack(text) == shown


def test_text_behind_a_fence_or_a_lone_backtick_is_text_again() -> None:
    assert slack("```\n<a>\n```\n<b>") == "```\n<a>\n```\n&lt;b>"
    assert slack("> ```\n> <a>\n<b>") == "> ```\n> <a>\n&lt;b>"
    assert slack("a ` <b>\n\n`<c>`") == "a ` &lt;b>\n\n`<c>`"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<https://a.b/c?d=1&e=2>", "<https://a.b/c?d=1&e=2>"),
        ("[x](https://a.b/c_(d))", "[x](https://a.b/c_(d))"),
        ('[x](https://a.b "The @channel")', "[x](https://a.b)"),
        ("<https://a.b|our page>", "[our page](https://a.b)"),
        ("<joe@a.b>", "joe@a.b"),
        ("[x](javascript:alert(1))", "[x]\u200b(javascript:alert(1))"),
        ("[x](slack://open)", "[x]\u200b(slack://open)"),
        ("[x](docs/a.md)", "[x]\u200b(docs/a.md)"),
        ("![a cat](https://a.b/c.png)", "[a cat](https://a.b/c.png)"),
        ("![](https://a.b/c.png)", "[image](https://a.b/c.png)"),
        ("[![build](https://a.b/c.svg)](https://a.b)", "[build](https://a.b)"),
        ("![x](data:image/png;base64,AA)", "[x]\u200b(data:image/png;base64,AA)"),
        ("Wow![1]", "Wow![1]"),
    ],
)
def test_links_stay_links_where_a_click_is_safe(text: str, shown: str) -> None:
    assert slack(text) == shown


def test_a_footnote_is_not_taken_for_the_target_of_a_link() -> None:
    assert slack("Yes.[^1]\n\n[^1]: Source") == "Yes.[^1]\n\n[^1]\u200b: Source"
    assert slack("[a][b]\n\n[b]: https://a.b") == "[a][b]\n\n[b]: https://a.b"
    assert seen("[b]: javascript:x") == "[b]: javascript:x"


def test_entities_that_slack_does_not_know_become_characters() -> None:
    assert slack("a&nbsp;&mdash; &#39;b&quot; &#42; &unknown; &ltx;") == "a\xa0— 'b\" \\* &unknown; &ltx;"


def test_what_slack_renders_by_itself_is_left_alone() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    text = f"# T\n\n- [ ] a\n- [x] b\n  1. c\n\n{table}\n> q **b** _i_ ~~s~~\n\n---\n$x_1$ \\(y\\)\n"
    assert slack(text) == text


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("see <", "<"),
        ("ping @chan", "@chan"),
        ("x ![img](https://a", "![img](https://a"),
        ("x [a](htt", "](htt"),
        ("end\\", "\\"),
        ("some `co", "`co"),
        ("text\n``", "``"),
        ("AT&am", "&am"),
    ],
)
def test_an_undecided_end_is_held_back(text: str, held: str) -> None:
    assert to_slack(text, final=False) == text.removesuffix(held)


def test_time_is_linear_in_the_text() -> None:
    began = time.process_time()
    for bit in (
        "<",
        "`",
        "`` ` ",
        "](",
        "![",
        "[a](b ",
        "@here",
        "&",
        "a\\",
        "]:",
        "<a ",
        "\n> ",
        "<br>",
        "\n\n    <",
        "<br  ",
        "| <br>",
        "<https://x|",
        '](x "',
    ):
        text = bit * (60_000 // len(bit))
        to_slack(text, final=True)
        to_slack(text + "\n.", final=False)
    assert time.process_time() - began < 5


def test_the_notification_line_is_plain_and_short() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    text = f"## Result\n\n**Done** for `a<b` & [docs](https://a.b) by snake_case @channel\n\n{table}"
    line = "Result Done for a&lt;b &amp; docs by snake_case @\u200bchannel a | b 1 | 2"
    assert fallback(text, 200) == fallback(slack(text), 200) == line
    assert fallback("```py\nprint('<!here>')\n```", 99) == "print('&lt;\u200b!here&gt;')"
    assert fallback("Words & <tags> go on", 13) == "Words &amp;…"


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(10, 60))
def test_the_notification_line_keeps_to_its_limit(text: str, limit: int) -> None:
    line = fallback(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert not re.search(r"[<>]|&(?!(?:lt|gt|amp);)", line)


PEOPLE, CHANNELS = {"U1": "Alice"}, {"C1": "general"}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("<@U9> hello", "hello"),
        (" <@U9|parley>: hello", "hello"),
        ("hey <@U9>, ask <@U1>", "hey @Parley, ask @Alice"),
        ("<@U2> <@U2|bob> <#C1> <#C2> <#C2|random>", "@U2 @bob #general #C2 #random"),
        ("<!here> <!subteam^S1|@team> <!subteam^S1> <!date^1^{date}|Monday>", "@here @team @S1 Monday"),
        ("<https://a.b/c?d=1&amp;e=2>", "https://a.b/c?d=1&e=2"),
        ("<https://a.b/c|our page>", "our page (https://a.b/c)"),
        ("<http://a.b/|a.b> <https://a.b|https://a.b>", "http://a.b/ https://a.b"),
        ("<mailto:a@b.c|a@b.c> <mailto:a@b.c|write>", "a@b.c write (a@b.c)"),
        ("1 &lt; 2 &amp;&amp; &amp;lt;", "1 < 2 && &lt;"),
        ("`<@U1> &lt;b&gt;`\n```\n&amp; <https://a.b>\n```", "`<@U1> <b>`\n```\n& https://a.b\n```"),
    ],
)
def test_the_model_reads_what_the_person_saw(typed: str, read: str) -> None:
    assert readable(typed, PEOPLE, CHANNELS, me="U9") == read


def test_those_named_are_told_once_and_in_order() -> None:
    text = "<@U2> <@U1> <@U2|x> <#C2> <#C1|general> <#C2> <!here> `<@U3>`"
    assert mentioned(text) == (["U2", "U1"], ["C2"])


def test_a_title_is_one_line_cut_at_a_word() -> None:
    assert title("What is\n*the* weather?") == "What is the weather?"
    assert title("Please tell me everything about the weather in Lisbon on Monday, and more", 40) == (
        "Please tell me everything about the…"
    )
    assert title("x" * 99) == "x" * 59 + "…"
