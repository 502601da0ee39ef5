"""Hostile code in the sandbox: what it asks for, uses up and leaves behind, and what becomes of its processes."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.interpreters import until, workers
from tools import bounded, monty
from tools.monty import LONGEST_PRINT, Ran
from tools.sandbox import AT_ONCE, KEPT_FOR, Busy, Sandbox, Unavailable

CANARY = "the-secret-of-the-host"
HASTE = 0.3
"""Seconds for what has no end; all else gets as many as it does in earnest."""

REACHING = [
    ("open('{file}').read()", "PermissionError"),
    ("open('{file}', 'w').write('x')", "PermissionError"),
    ("open('{folder}/new', 'a')", "PermissionError"),
    ("open('/proc/self/environ').read()", "PermissionError"),
    ("open('../../../{file}').read()", "PermissionError"),
    ("open(0).read()", "TypeError"),
    ("from pathlib import Path; Path('{file}').read_text()", "PermissionError"),
    ("from pathlib import Path; Path('{folder}/new').write_text('x')", "PermissionError"),
    ("from pathlib import Path; list(Path('{folder}').iterdir())", "PermissionError"),
    ("from pathlib import Path; Path('{file}').unlink()", "PermissionError"),
    ("from pathlib import Path; Path('{file}').exists()", "PermissionError"),
    ("import os; os.listdir('{folder}')", "PermissionError"),
    ("import os; os.remove('{file}')", "PermissionError"),
    ("import os; os.mkdir('{folder}/new')", "PermissionError"),
    ("import os; os.chdir('{folder}')", "PermissionError"),
    ("import os; os.environ['CANARY']", "'os.environ' is not supported"),
    ("import os; os.getenv('CANARY')", "'os.getenv' is not supported"),
    ("import os; os.system('touch {folder}/new')", "no attribute 'system'"),
    ("import os; os.popen('id')", "no attribute 'popen'"),
    ("import os; os.fork()", "no attribute 'fork'"),
    ("import os; os.execv('/bin/sh', ['sh'])", "no attribute 'execv'"),
    ("import os; os.kill({pid}, 9)", "no attribute 'kill'"),
    ("import os; os._exit(1)", "no attribute '_exit'"),
    ("from os import system", "ImportError"),
    ("import sys; sys.modules['os']", "no attribute 'modules'"),
    ("import sys; sys._getframe()", "no attribute '_getframe'"),
    ("import subprocess", "ModuleNotFoundError"),
    ("import socket; socket.create_connection(('127.0.0.1', {port}))", "ModuleNotFoundError"),
    ("import urllib.request", "ModuleNotFoundError"),
    ("import asyncio; await asyncio.open_connection('127.0.0.1', {port})", "no attribute 'open_connection'"),
    ("import asyncio; asyncio.create_subprocess_shell('id')", "no attribute 'create_subprocess_shell'"),
    ("import ctypes", "ModuleNotFoundError"),
    ("import pickle; pickle.loads(b'cos\\nsystem\\n(Vid\\ntR.')", "ModuleNotFoundError"),
    ("import importlib", "ModuleNotFoundError"),
    ("import gc; gc.get_objects()", "ModuleNotFoundError"),
    ("import inspect", "ModuleNotFoundError"),
    ("import bot", "ModuleNotFoundError"),
    ("__import__('os')", "NameError"),
    ("__builtins__", "NameError"),
    ("globals()", "NameError"),
    ("vars()", "NameError"),
    ("input()", "NameError"),
    ("breakpoint()", "NameError"),
    ("compile('1', 'x', 'exec')", "NameError"),
    ("().__class__.__bases__[0].__subclasses__()", "no attribute '__class__'"),
    ("type(()).__mro__", "no attribute '__mro__'"),
    ("object.__subclasses__()", "no attribute '__subclasses__'"),
    ("(lambda: 0).__globals__", "no attribute '__globals__'"),
    ("(lambda: 0).__code__", "no attribute '__code__'"),
    ("Exception('x').__traceback__.tb_frame", "no attribute '__traceback__'"),
    ("print.__self__", "no attribute '__self__'"),
    ("getattr('', '__' + 'class' + '__')", "no attribute '__class__'"),
    ("'{{0.__class__.__mro__}}'.format(1)", "no attribute '__class__'"),
    ("'{{0.__init__.__globals__}}'.format(len)", "no attribute '__init__'"),
    ("f'{{().__class__}}'", "no attribute '__class__'"),
    ("type('X', (object,), {{}})", "TypeError"),
    ("setattr(int, 'x', 1)", "AttributeError"),
    ('eval(\'__import__("os").system("id")\')', "NameError"),
    ("exec('import subprocess')", "ModuleNotFoundError"),
    ("import json; json.codecs", "no attribute 'codecs'"),
    ("import dataclasses; dataclasses.sys", "no attribute 'sys'"),
    ("plot.__globals__", "no attribute '__globals__'"),
    ("plot.__self__", "no attribute '__self__'"),
    ("plot.__closure__", "no attribute '__closure__'"),
]

CONSUMING = [
    ("[0] * 10**9", "MemoryError"),
    ("'a' * 10**10", "MemoryError"),
    ("b'a' * 10**10", "MemoryError"),
    ("10**10**8", "MemoryError"),
    ("1 << 10**10", "MemoryError"),
    ("list(range(10**9))", "MemoryError"),
    ("[[0] * 1000 for i in range(10**7)]", "MemoryError"),
    ("x = 'a'\nwhile True: x += x", "MemoryError"),
    ("d = {}\nfor i in range(10**9): d[i] = i", "MemoryError"),
    ("x = []\ntry:\n  while True: x.append('a' * 10**5)\nexcept BaseException: pass", "MemoryError"),
    ("f'{1:0999999999}'", "MemoryError"),
    ("', '.join(['a' * 10**6] * 10**5)", "MemoryError"),
    ("import itertools; list(itertools.permutations(range(20)))", "MemoryError"),
    ("import math; math.factorial(10**8)", "MemoryError"),
    ("while True: print('x')", "Stopped: it printed more than 200,000 characters."),
    ("print('x' * 10**7)", "Stopped: it printed more than 200,000 characters."),
]

ENDLESS = [
    "while True: pass",
    "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
    "sum(range(10**13))",
]

SURVIVED = [
    ("def f(): return f()\nf()", "RecursionError"),
    ("class A:\n  def __repr__(self): return repr(self)\nrepr(A())", "RecursionError"),
    ("import json; json.loads('[' * 100000)", "JSONDecodeError"),
    ("import re; re.match(r'(a*)*\\1b', 'a' * 5000)", "backtracking"),
    ("(" * 10_000, "SyntaxError"),
    ("-" * 50_000 + "1", "SyntaxError"),
    ("1\0", "SyntaxError"),
    ("int('9' * 10**6)", "ValueError"),
    ("raise SystemExit", "SystemExit"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("for i in range(1000):\n  try: unknown\n  except NameError: pass", "suspension limit 100 exceeded"),
    ("for i in range(1000):\n  try: plot(i, i, i)\n  except ValueError: pass", "suspension limit 100 exceeded"),
    ("plot(1, a=2)", "ValueError: plot has no option 'a'"),
]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    opened = Sandbox()
    yield opened
    await opened.close()
    await until(lambda: workers() == [])


@pytest.fixture
async def hasty() -> AsyncIterator[Sandbox]:
    opened = Sandbox(seconds=HASTE)
    yield opened
    await opened.close()


@pytest.mark.parametrize(("code", "said"), REACHING)
async def test_nothing_of_the_host_is_reached(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    file = tmp_path / "secret.txt"
    file.write_text(CANARY)
    visits: list[object] = []
    server = await asyncio.start_server(lambda *streams: visits.append(streams), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        hostile = code.format(file=file, folder=tmp_path, pid=os.getpid(), port=port)
        ran = await sandbox.run("run", hostile)
    assert said in ran.error
    assert (ran.result, ran.printed) == ("", "")
    assert CANARY not in ran.error
    assert os.listdir(tmp_path) == ["secret.txt"]
    assert (file.read_text(), visits) == (CANARY, [])


@pytest.mark.parametrize(("code", "said"), CONSUMING)
async def test_what_uses_up_memory_or_prints_too_much_is_ended(sandbox: Sandbox, code: str, said: str) -> None:
    ran = await sandbox.run("run", code)
    assert said in ran.error
    assert ran.ended
    assert len(ran.printed) <= LONGEST_PRINT
    assert (await sandbox.run("run", "1 + 1")).result == "Result: 2"


@pytest.mark.parametrize("code", ENDLESS)
async def test_what_has_no_end_is_ended(hasty: Sandbox, code: str) -> None:
    ran = await hasty.run("run", code)
    assert "TimeoutError" in ran.error
    assert ran.ended


@pytest.mark.parametrize(("code", "said"), SURVIVED)
async def test_what_the_interpreter_refuses_is_an_error_like_any_other(sandbox: Sandbox, code: str, said: str) -> None:
    await sandbox.run("run", "kept = 1")
    ran = await sandbox.run("run", code)
    assert said in ran.error
    assert not ran.ended
    assert (await sandbox.run("run", "kept")).result == "Result: 1"


@pytest.mark.parametrize("code", ["import time; time.sleep(10**9)", "import asyncio; await asyncio.sleep(10**9)"])
async def test_sleeping_takes_no_time(sandbox: Sandbox, code: str) -> None:
    assert await sandbox.run("run", code) == Ran()
    assert await sandbox.run("run", code) == Ran()  # in a restored session too


@pytest.mark.parametrize("code", ["'\\ud800'", "'\\ufffd'"])
async def test_half_a_surrogate_pair_comes_back_as_a_character(sandbox: Sandbox, code: str) -> None:
    assert (await sandbox.run("run", code)).result == "Result: '\ufffd'"


async def test_the_clock_is_real_and_in_utc(sandbox: Sandbox) -> None:
    ran = await sandbox.run("run", "from datetime import datetime\nstr(datetime.now().astimezone())[-6:]")
    assert ran.result == "Result: '+00:00'"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and prlimit")
async def test_a_worker_has_no_environment_and_can_open_nothing(sandbox: Sandbox) -> None:
    call = asyncio.create_task(sandbox.run("run", "while True: pass"))
    await until(lambda: len(workers()) == 1)
    process = Path("/proc", str(workers()[0]))
    await until(lambda: "Max open files            3                    3 " in process.joinpath("limits").read_text())
    await until(lambda: os.getpriority(os.PRIO_PROCESS, int(process.name)) > os.getpriority(os.PRIO_PROCESS, 0))
    assert process.joinpath("environ").read_bytes().strip(b"\0") == b""
    call.cancel()
    await asyncio.wait({call})


# -- variables ------------------------------------------------------------------------------------------------------


async def test_variables_last_through_a_run_and_are_in_no_other(sandbox: Sandbox) -> None:
    await sandbox.run("mine", "import math\nx = 20\nclass A:\n  def double(self): return x * 2\na = A()")
    assert (await sandbox.run("mine", "a.double() + math.floor(2.5)")).result == "Result: 42"
    assert "NameError" in (await sandbox.run("yours", "x")).error


async def test_an_error_keeps_what_came_before_it(sandbox: Sandbox) -> None:
    await sandbox.run("run", "x = 1\nx = 2\n1 / 0")
    assert (await sandbox.run("run", "x")).result == "Result: 2"


async def test_what_is_ended_leaves_variables_as_they_were(hasty: Sandbox) -> None:
    await hasty.run("run", "x = 1")
    assert (await hasty.run("run", "x = 2\nwhile True: pass")).ended
    assert (await hasty.run("run", "x")).result == "Result: 1"


async def test_variables_that_are_too_large_are_not_kept(sandbox: Sandbox) -> None:
    await sandbox.run("run", "x = 1")
    ran = await sandbox.run("run", "x = b'a' * (10 * 1024 * 1024)\nlen(x)")
    assert (ran.result, ran.large) == ("Result: 10485760", True)
    assert (await sandbox.run("run", "x")).result == "Result: 1"


async def test_calls_of_one_run_take_turns(sandbox: Sandbox) -> None:
    await sandbox.run("run", "seen = []")
    await asyncio.gather(*(sandbox.run("run", f"seen = seen + [{number}]") for number in range(6)))
    assert (await sandbox.run("run", "seen")).result == "Result: [0, 1, 2, 3, 4, 5]"


async def test_variables_that_nobody_uses_are_dropped() -> None:
    moment = [0.0]
    sandbox = Sandbox(now=lambda: moment[0])
    await sandbox.run("run", "x = 1")
    moment[0] = KEPT_FOR - 1
    assert (await sandbox.run("run", "x")).result == "Result: 1"
    moment[0] += KEPT_FOR
    assert "NameError" in (await sandbox.run("run", "x")).error
    await sandbox.close()


async def test_the_least_recently_used_variables_go_first(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.sandbox.MOST_RUNS", 3)
    for number in range(3):
        await sandbox.run(f"run {number}", "x = 1")
    await sandbox.run("run 0", "x")
    await sandbox.run("one more", "x = 1")
    assert (await sandbox.run("run 0", "x")).result == "Result: 1"
    assert "NameError" in (await sandbox.run("run 1", "x")).error


async def test_variables_that_cannot_be_restored_are_said_to_be_gone(sandbox: Sandbox) -> None:
    await sandbox.run("run", "x = 1")
    sandbox._sessions["run"].state = base64.b64encode(b"no longer what it was")
    assert await sandbox.run("run", "x = 2") == Ran(gone=True)
    assert (await sandbox.run("run", "x = 3\nx")).result == "Result: 3"


# -- workers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [lambda worker: worker, os.getsid])
async def test_whichever_process_is_killed_its_death_is_an_output(
    sandbox: Sandbox, which: Callable[[int], int]
) -> None:
    await sandbox.run("run", "x = 1")
    call = asyncio.create_task(sandbox.run("run", "x = 2\nwhile True: pass"))
    await until(lambda: len(workers()) == 1)
    os.kill(which(workers()[0]), signal.SIGKILL)
    assert await call == Ran(error="The sandbox broke off.", ended=True)
    await until(lambda: workers() == [])
    assert (await sandbox.run("run", "x")).result == "Result: 1"


async def test_twenty_runs_at_once_share_few_workers(sandbox: Sandbox) -> None:
    most = 0

    async def count() -> None:
        nonlocal most
        while True:
            most = max(most, len(workers()))
            await asyncio.sleep(0.002)

    counting = asyncio.create_task(count())
    calls = (sandbox.run(f"run {number}", f"sum(range(10**5)) * 0 + {number}") for number in range(20))
    results = [ran.result for ran in await asyncio.gather(*calls)]
    counting.cancel()
    assert results == [f"Result: {number}" for number in range(20)]
    assert 1 <= most <= 2 * AT_ONCE  # one that has done its work may still be ending


async def test_a_call_that_waits_too_long_is_told_so() -> None:
    sandbox = Sandbox(seconds=5, patience=0.1)
    calls = [asyncio.create_task(sandbox.run(f"run {number}", "while True: pass")) for number in range(AT_ONCE)]
    await until(lambda: len(workers()) == AT_ONCE)
    with pytest.raises(Busy):
        await sandbox.run("another", "1")
    with pytest.raises(Busy):
        await sandbox.run("run 0", "1")
    await sandbox.close()
    assert all(call.cancelled() for call in calls)
    await until(lambda: workers() == [])


async def test_a_cancelled_call_ends_its_worker(sandbox: Sandbox) -> None:
    await sandbox.run("run", "x = 1")
    await until(lambda: workers() == [])
    call = asyncio.create_task(sandbox.run("run", "x = 2\nwhile True: pass"))
    await until(lambda: len(workers()) == 1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: workers() == [])
    assert (await sandbox.run("run", "x")).result == "Result: 1"


async def test_closing_ends_what_runs_and_takes_no_more() -> None:
    sandbox = Sandbox(seconds=60)
    call = asyncio.create_task(sandbox.run("run", "while True: pass"))
    await until(lambda: len(workers()) == 1)
    await sandbox.close()
    await until(lambda: workers() == [])
    assert call.cancelled()
    with pytest.raises(Unavailable):
        await sandbox.run("run", "1")


async def test_without_an_interpreter_code_cannot_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONTY_BIN", "/nowhere/monty")
    said = monty.answered(monty.asked("1", 1, b""))
    assert "RuntimeError" in monty.heard(said.encode())[0].broken

    async def saying(*given: object, **named: object) -> bounded.Answer:
        return bounded.Answer(said.encode())

    monkeypatch.setattr(bounded, "answer", saying)
    with pytest.raises(Unavailable):
        await Sandbox().run("run", "1")


def test_nothing_is_loaded_before_the_first_call() -> None:
    script = (
        "import sys; from tools import registry; assert 'code_interpreter' in registry.load();"
        "from tools.sandbox import Sandbox; Sandbox();"
        "print([name for name in ('pydantic_monty', 'matplotlib', 'numpy') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
