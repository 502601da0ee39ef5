"""No address but public ones is ever connected to, whoever names it and however it is written."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address

import pytest

from tests.simulators.site import Site, answer, redirect, site
from tests.simulators.site.server import CERTIFICATE
from tests.tool_context import open_bench
from tests.web_bench import Names, at, guard, watched
from tools import names
from tools.addresses import (
    NO_ADDRESS,
    NO_HOST,
    NO_SUCH_HOST,
    PRIVATE,
    Endpoint,
    Guard,
    is_own,
    is_public,
    parse,
)
from tools.context import current
from tools.registry import ToolError
from tools.web_fetch import UNREACHED, Fetcher, _Connector

SCHEME = "I open addresses with http and https only."
PORT = "I open the ports 80 and 443 only."
USER = "I do not open addresses with a user name or a password in them."
DOWN = "It is one with http, and I do not go there from https."
SIGNS = "There are spaces, backslashes or control characters in the address. Write them as %20 or so."

HOSTILE = [
    *((f"http://{host}/", PRIVATE) for host in ("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1")),
    *((f"http://{host}/", PRIVATE) for host in ("172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1")),
    *((f"http://{host}/", PRIVATE) for host in ("100.100.100.200", "192.0.0.192", "192.0.2.1", "198.51.100.1")),
    *((f"http://{host}/", PRIVATE) for host in ("203.0.113.1", "198.18.0.1", "198.19.255.255", "192.88.99.1")),
    *((f"http://{host}/", PRIVATE) for host in ("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255")),
    *((f"http://{host}/", PRIVATE) for host in ("168.63.129.16", "127.0.0.1:80", "127.0.0.1:443")),
    *((f"https://[{host}]/", PRIVATE) for host in ("::1", "::", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254")),
    *((f"https://[{host}]/", PRIVATE) for host in ("ff02::1", "ff0e::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8")),
    *((f"https://[{host}]/", PRIVATE) for host in ("::127.0.0.1", "::8.8.8.8", "0:0:0:0:0:ffff:a9fe:a9fe")),
    *((f"https://[{host}]/", PRIVATE) for host in ("2002:7f00:1::", "2002:808:808::1", "2001::1", "2001:0:1::5")),
    *((f"https://[{host}]/", PRIVATE) for host in ("64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1")),
    *((f"https://[{host}]/", PRIVATE) for host in ("2001:db8::1", "3fff::1", "5f00::1", "100::1", "100:0:0:1::1")),
    *((f"https://[{host}]/", PRIVATE) for host in ("2001:2::1", "2001:20::1", "4000::1", "::ffff:0:127.0.0.1")),
    *(
        (f"https://[{host}]/", PRIVATE)
        for host in ("2600::5efe:7f00:1", "2600::200:5efe:808:808", "2600::5efe:10.0.0.1")
    ),
    *((f"http://{host}/", PRIVATE) for host in ("161.26.0.7", "161.26.255.255", "166.8.0.1", "166.11.255.255")),
    *((f"http://{host}/", NO_HOST) for host in ("2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1")),
    *((f"http://{host}/", NO_HOST) for host in ("127.0.1", "017700000001", "127.0.0.0x1", "1.2.3.4.5", "0", "0x")),
    *(
        (f"http://{host}/", NO_HOST)
        for host in ("xn--", "a..b", ".a.b", "a%2eb", "127%2e0%2e0%2e1", "a.b%00.c", "-a.b")
    ),
    *(
        (f"http://{host}/", NO_HOST)
        for host in ("127.0.0.1.", "127.0.0.1..", "a.b..", "a" * 64 + ".com", "a.b*c", "a.1", "a,b.c")
    ),
    *((f"http://[{host}]/", NO_HOST) for host in ("fe80::1%25eth0", "fe80::1%eth0", "2600::1%251", "v1.x")),
    *((f"http://{host}/", PRIVATE) for host in ("１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①")),
    *((f"http://{host}/", PRIVATE) for host in ("localhost", "LOCALHOST", "localhost.", "ⓛocalhost", "a.localhost")),
    *((f"http://{host}/", PRIVATE) for host in ("printer", "printer.local", "metadata.google.internal", "db.corp")),
    *((f"http://{host}/", PRIVATE) for host in ("router.lan", "a.home.arpa", "localhost.localdomain", "b.INTERNAL.")),
    *((f"{scheme}://site.example/", SCHEME) for scheme in ("ftp", "file", "gopher", "ws", "unix", "data", "jar")),
    *(
        (address, SCHEME)
        for address in ("file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "about:blank")
    ),
    *((f"http://site.example:{port}/", PORT) for port in (22, 0, 8080, 6379, 65535, 81, 444)),
    *((f"http://{user}@site.example/", USER) for user in ("me", "me:secret", "", ":", "site.example", "a%40b")),
    *(
        (address, NO_ADDRESS)
        for address in ("", "site.example", "//site.example/", "http:", "http:///x", "/etc/passwd")
    ),
    *((address, NO_ADDRESS) for address in ("http://[::1/", "http://a:99999/", "http://a:b/", "http:a.b")),
    *((f"http://site.example:{port}/", NO_ADDRESS) for port in ("+80", "8_0", "٨٠", "８０", "-80", "0x50")),
    *(
        (f"http://site.example{sign}/", SIGNS)
        for sign in (" ", "\t", "\n", "\\@127.0.0.1", "\r\nHost: a", "\x00", "\x7f")
    ),
    ("http://site.example/" + "a" * 2048, "The address is longer than 2,048 characters."),
]


@pytest.fixture
async def one() -> AsyncIterator[Site]:
    async with site() as made:
        yield made


async def refusal(fetcher: Fetcher, address: str) -> str:
    with pytest.raises(ToolError) as refused:
        await fetcher.fetch(address)
    return str(refused.value)


@pytest.mark.parametrize(("address", "sentence"), HOSTILE, ids=ascii)
async def test_no_socket_is_opened_to_a_hostile_address(
    address: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected, asked = watched(monkeypatch), Names({})
    assert await refusal(Fetcher(Guard(asked)), address) == sentence
    assert (connected, asked.asked) == ([], [])


def test_there_are_plenty_of_hostile_addresses() -> None:
    assert len(dict(HOSTILE)) > 100


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "10.0.0.1"],
        ["2606:4700::1111", "::1"],
        ["169.254.169.254"],
        ["fe80::1%eth0"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        ["nonsense"],
        ["8.8.8.8"] * 65,
        [],
    ],
    ids=str,
)
async def test_a_name_with_any_address_that_is_not_public_is_as_one_that_there_is_not(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = watched(monkeypatch)
    fetcher = Fetcher(guard(odd=[(address, 0) for address in addresses]))
    assert await refusal(fetcher, "https://odd.example/") == NO_SUCH_HOST
    assert connected == []


async def test_public_addresses_are_connected_to_as_they_were_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = watched(monkeypatch)
    fetcher = Fetcher(guard(good=[("8.8.8.8", 0), ("2606:4700::1111", 0)]))
    assert await refusal(fetcher, "http://good.example./") == UNREACHED
    assert sorted(address[:2] for address in connected) == [("2606:4700::1111", 80), ("8.8.8.8", 80)]


async def test_an_address_without_a_name_is_connected_to_without_a_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    connected, asked = watched(monkeypatch), Names({})
    assert await refusal(Fetcher(Guard(asked)), "https://8.8.4.4/") == UNREACHED
    assert (connected, asked.asked) == ([("8.8.4.4", 443)], [])


async def test_a_name_that_changes_its_address_is_looked_up_once(one: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    turning = Names({"site.example": [[("8.8.8.8", 0)], at(one)]})
    connected = watched(monkeypatch)
    assert await refusal(Fetcher(Guard(turning, {one.endpoint})), "http://site.example/") == UNREACHED
    assert (turning.asked, connected, one.connections) == (["site.example"], [("8.8.8.8", 80)], 0)


async def test_a_name_that_changes_its_address_before_a_redirect_is_checked_anew(one: Site) -> None:
    one.pages["/"] = redirect("/again")
    turning = Names({"site.example": [at(one), [("127.0.0.1", 0)]]})
    fetcher = Fetcher(Guard(turning, {one.endpoint}))
    assert await refusal(fetcher, "http://site.example/") == f"The page leads to another address. {NO_SUCH_HOST}"
    assert one.paths == ["/"]


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("http://127.0.0.1/", PRIVATE),
        ("http://169.254.169.254/latest/meta-data/", PRIVATE),
        ("//[::1]/", PRIVATE),
        ("http://2130706433/", NO_HOST),
        ("http://localhost/", PRIVATE),
        ("file:///etc/passwd", SCHEME),
        ("ftp://site.example/", SCHEME),
        ("http://site.example:6379/", PORT),
        ("http://me:secret@site.example/", USER),
        ("http://site.example\\@127.0.0.1/", NO_ADDRESS),
        ("http://[::1", NO_ADDRESS),
        ("", NO_ADDRESS),
    ],
)
async def test_a_redirect_leads_nowhere_but_to_public_addresses(one: Site, location: str, sentence: str) -> None:
    one.pages["/"] = redirect(location)
    said = await refusal(Fetcher(guard(one)), "http://site.example/")
    assert said == f"The page leads to another address. {sentence}"
    assert one.connections == 1


async def test_a_redirect_to_a_private_name_is_not_followed(one: Site) -> None:
    one.pages["/"] = redirect("http://inside.example/")
    fetcher = Fetcher(guard(one, inside=[("10.0.0.1", 0)]))
    assert await refusal(fetcher, "http://site.example/") == f"The page leads to another address. {NO_SUCH_HOST}"


async def test_five_redirects_are_followed_and_no_more(one: Site) -> None:
    one.pages |= {f"/{step}": redirect(f"{step + 1}") for step in range(9)}
    one.pages["/5"] = answer("here", "text/plain")
    found = await Fetcher(guard(one)).fetch("http://site.example/0")
    assert (found.url, found.text) == ("http://site.example/5", "here")
    one.pages["/5"] = redirect("/0", 308)
    said = await refusal(Fetcher(guard(one)), "http://site.example/0")
    assert said == "The page leads from address to address, more than 5 times."
    assert one.paths[6:] == ["/0", "/1", "/2", "/3", "/4", "/5"]


async def test_https_does_not_lead_to_http() -> None:
    async with site(tls=True) as one:
        one.pages["/"] = redirect("http://site.example/")
        fetcher = Fetcher(guard(one), trusted=ssl.create_default_context(cafile=str(CERTIFICATE)))
        said = await refusal(fetcher, "https://site.example/")
        assert (said, one.connections) == (f"The page leads to another address. {DOWN}", 1)


async def test_a_certificate_has_to_be_the_hosts_own_and_one_that_is_trusted() -> None:
    async with site(tls=True) as one:
        one.pages["/"] = answer("safe", "text/plain")
        mine = ssl.create_default_context(cafile=str(CERTIFICATE))
        at_both = guard(one, other=at(one))
        assert (await Fetcher(at_both, trusted=mine).fetch("https://site.example/")).text == "safe"
        wrong = "The certificate of the host is not valid for it, so I do not read the page."
        assert await refusal(Fetcher(at_both, trusted=mine), "https://other.example/") == wrong
        assert await refusal(Fetcher(at_both), "https://site.example/") == wrong
        assert one.paths == ["/"]


async def test_a_request_tells_the_host_and_nothing_of_where_it_comes_from(
    one: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://10.0.0.1:3128")
    monkeypatch.setenv("http_proxy", "http://10.0.0.1:3128")
    one.pages["/"] = answer(status=302, headers={"Location": "/b?c=d#e", "Set-Cookie": "a=b; Path=/"})
    one.pages["/b?c=d"] = answer("x", "text/plain")
    await Fetcher(guard(one)).fetch("http://site.example/#fragment")
    assert one.paths == ["/", "/b?c=d"]
    for asked in one.requests:
        assert asked.headers["host"] == "site.example"
        assert asked.headers.keys() == {"host", "accept", "accept-encoding", "user-agent", "connection"}


async def test_a_socket_is_made_for_nothing_but_what_was_let_through(one: Site) -> None:
    connector = _Connector([Endpoint(ip_address("8.8.8.8"), 443)], ssl.create_default_context())
    async with connector:
        for where in [("8.8.8.8", 80), ("127.0.0.1", 443), ("8.8.4.4", 443), ("2130706433", 443), ()]:
            with pytest.raises(PermissionError):
                connector.made((2, 1, 6, "", where))
        connector.made((2, 1, 6, "", ("8.8.8.8", 443))).close()


async def test_the_connection_is_looked_at_before_the_request_is_sent(
    one: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect
    async with site() as other:
        astray = ("127.0.0.1", other.endpoint.port)
        monkeypatch.setattr(loop, "sock_connect", lambda socket, _: connect(socket, astray))
        assert await refusal(Fetcher(guard(one)), "http://site.example/") == UNREACHED
        assert (one.connections, other.requests) == (0, [])


def test_a_host_knows_its_own_addresses() -> None:
    assert is_own(ip_address("127.0.0.1"))
    assert not is_own(ip_address("192.0.2.1"))


async def test_parleys_own_public_address_is_not_opened() -> None:
    mine = Guard(Names({"me.example": [[("8.8.8.8", 0)]]}), own=lambda address: str(address) == "8.8.8.8")
    for address, sentence in [("http://8.8.8.8/", PRIVATE), ("http://me.example/", NO_SUCH_HOST)]:
        with pytest.raises(ToolError, match=sentence):
            await mine.endpoints(parse(address))


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "161.27.0.1", "166.7.0.1", "166.12.0.1"),
        *("2606:4700::1111", "2001:4860:4860::8888", "2a00::1", "2600::5efe:0:0:1", "2600::1:5efe:808:808"),
    ],
)
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_by_default_nothing_is_let_through_that_is_not_public() -> None:
    assert (Guard().allowed, Guard().resolve) == (frozenset(), names.look_up)
    assert Fetcher().guard == Guard()


async def test_names_are_looked_up_by_the_system() -> None:
    assert ("127.0.0.1", 80) in await names.look_up("localhost", 80)
    assert await names.look_up("no such name", 80) == []


async def test_look_ups_that_hang_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    monkeypatch.setattr(names, "_ask", lambda host, port: [(host, end.wait(10))])
    hanging = [asyncio.create_task(names.look_up("slow.example", 80)) for _ in range(names.MOST_AT_ONCE)]
    await asyncio.sleep(0)
    try:
        with pytest.raises(ToolError, match="Too many addresses"):
            await names.look_up("one.more.example", 80)
    finally:
        end.set()
        await asyncio.gather(*hanging)


async def test_a_run_has_a_few_look_ups_and_takes_no_place_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    end, begun = threading.Event(), list[str]()

    def hang(host: str, port: int) -> list[tuple[str, int]]:
        begun.append(host)
        end.wait(10)
        return [(host, port)]

    monkeypatch.setattr(names, "_ask", hang)
    async with open_bench() as bench:
        current.set(bench.context)
        of_run = [asyncio.create_task(names.look_up("one.example", 80)) for _ in range(names.MOST_AT_ONCE)]
        current.set(replace(bench.context, run_id="run_2"))
        other = asyncio.create_task(names.look_up("other.example", 80))
        await asyncio.sleep(0)
        given_up = of_run.pop()
        given_up.cancel()
        end.set()
        assert await other == [("other.example", 80)]
        assert begun[: names.MOST_OF_RUN + 1].count("one.example") == names.MOST_OF_RUN
        assert await asyncio.gather(*of_run) == [[("one.example", 80)]] * (names.MOST_AT_ONCE - 1)
