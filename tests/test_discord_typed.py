"""What people type in Discord as the model reads it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord.typed import Named, named, readable

PEOPLE, ROLES, CHANNELS = {"1": "Alice", "3": "@bob"}, {"5": "Team"}, {"7": "general", "8": "#café"}
BITS = [
    "<",
    ">",
    "@",
    "!",
    "&",
    "#",
    ":",
    "/",
    "t:",
    "id:",
    "<@1>",
    "<@!9>",
    "<@&5>",
    "`",
    "``",
    "```",
    "\\",
    " ",
    "\n",
]
BITS += ["1", "99999999999999999999", "a", "<a:b:1>", "<t:1:R>", "customize", "é"]


def read(text: str) -> str:
    return readable(text, PEOPLE, ROLES, CHANNELS, me="9", my_roles=["6"])


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("<@9> hello", "hello"),
        (" <@!9>, <@&6>: hello", "hello"),
        ("<@9>", ""),
        ("<@&5> hello", "@Team hello"),
        ("<@1> hello <@9>", "@Alice hello @Parley"),
        ("hey <@9>, ask <@!1> or <@&6>", "hey @Parley, ask @Alice or @Parley"),
        ("<@99> is not <@9>", "@99 is not @Parley"),
    ],
)
def test_who_begins_with_parley_talks_to_it_and_elsewhere_it_is_named(typed: str, shown: str) -> None:
    assert read(typed) == shown


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("<@1> <@!1> <@2> <@3>", "@Alice @Alice @2 @bob"),
        ("<@&5> <@&4>", "@Team @4"),
        ("<#7> <#8> <#2>", "#general #café #2"),
        ("<:mmLol:216154654256398347> <a:b1nzy:392938283556143104>", ":mmLol: :b1nzy:"),
        ("</airhorn:816437322781949972> </foo group bar:1>", "/airhorn /foo group bar"),
        ("<id:customize> <id:browse> <id:guide>", "Channels & Roles Browse Channels Server Guide"),
        ("<id:linked-roles> <id:linked-roles:4>", "Linked Roles Linked Roles"),
        ("@everyone @here :smile: <https://a.b> a < b &lt;", "@everyone @here :smile: <https://a.b> a < b &lt;"),
    ],
)
def test_the_model_reads_what_the_person_saw(typed: str, shown: str) -> None:
    assert read(typed) == shown


@pytest.mark.parametrize(
    ("style", "shown"),
    [
        *[("", "2021-04-20 21:20 UTC"), (":f", "2021-04-20 21:20 UTC"), (":F", "2021-04-20 21:20 UTC")],
        *[(":R", "2021-04-20 21:20 UTC"), (":s", "2021-04-20 21:20 UTC"), (":S", "2021-04-20 21:20:30 UTC")],
        *[(":t", "21:20 UTC"), (":T", "21:20:30 UTC"), (":d", "2021-04-20"), (":D", "2021-04-20")],
    ],
)
def test_a_moment_is_told_in_utc(style: str, shown: str) -> None:
    assert read(f"<t:1618953630{style}>") == shown


def test_moments_long_ago_are_told_as_well() -> None:
    assert read("<t:0> <t:-1:T> <t:-62135596800:d>") == "1970-01-01 00:00 UTC 23:59:59 UTC 0001-01-01"


@pytest.mark.parametrize(
    "typed",
    [
        *["<t:253402300800>", "<t:-62135596801>", "<t:999999999999999:R>", f"<t:{'9' * 5000}>", "<t:1:x>", "<t:1.5>"],
        *[f"<@{'1' * 21}>", f"<@{'1' * 5000}>", "<@>", "<@1", "<@ 1>", "<@x>", "<@&>", "<#>", "<@¹>", "<@$1>"],
        *["<::1>", "<:a:>", "<:a b:1>", "</:1>", "</a:>", "</a>", "<id:nowhere>", f"</{'a' * 101}:1>", "<<>>"],
    ],
)
def test_what_is_no_token_of_discord_stays_as_it_was_typed(typed: str) -> None:
    assert read(f"a {typed}") == f"a {typed}"


@pytest.mark.parametrize(
    "code",
    [
        "`<@1> <#7>`",
        "``<@1> ` <t:1>``",
        "```py\n<@1>\n\n<:a:1>\n```",
        "```<@9>```",
        "`a\n<@1>`",
    ],
)
def test_code_stays_exact_and_names_nobody(code: str) -> None:
    assert read(f"{code} <@1>") == f"{code} @Alice"
    assert named(f"{code} <@1>") == Named(("1",), (), ())


def test_backticks_that_close_nowhere_are_no_code() -> None:
    assert read("```py\n<@1> <#7>") == "```py\n@Alice #general"
    assert read("a ` <@1>\n\n`` <#7>") == "a ` @Alice\n\n`` #general"
    assert read("\\`<@1>\\`") == "\\`@Alice\\`"


def test_those_named_are_told_once_and_in_order() -> None:
    text = "<@2> <@!1> <@2> <@&5> <@&4> <@&5> <#8> <#7> <#8> <:a:3> </b:4> <t:5> `<@6>` @everyone"
    assert named(text) == Named(("2", "1"), ("5", "4"), ("8", "7"))
    assert named("") == Named((), (), ())


def test_names_are_not_read_again() -> None:
    assert readable("a <@1> <#7>", {"1": "<@2>`"}, {}, {"7": "`<@1>"}, me="9") == "a @<@2>` #`<@1>"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(BITS), max_size=25).map("".join))
def test_any_text_is_read_and_who_is_named_there_is_shown(text: str) -> None:
    found = named(text)
    marked = readable(
        f"a {text}",
        {id_: f"P{id_}P" for id_ in found.people},
        {id_: f"R{id_}R" for id_ in found.roles},
        {id_: f"C{id_}C" for id_ in found.channels},
        me="0",
    )
    assert all(f"@P{id_}P" in marked for id_ in found.people)
    assert all(f"@R{id_}R" in marked for id_ in found.roles)
    assert all(f"#C{id_}C" in marked for id_ in found.channels)


def test_time_is_linear_in_the_text() -> None:
    began = time.process_time()
    for bit in [*BITS, "<@9> ", "<@9>,", "<@", "</a ", "<:a", "`a", "`` ", "```a", "<t:1", "<@1", " ,", "\\`", "``a`"]:
        text = bit * (30_000 // len(bit))
        for typed in (text, f"<@9>{text}", f"{text}`", f"`{text}", f"``{text}", f"```{text}"):
            read(typed)
            named(typed)
    assert time.process_time() - began < 6
