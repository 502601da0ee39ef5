"""Turns typed async functions into function tools, and executes the calls that a model makes of them.

`@tool` makes a `Tool` of a function, `load` collects those of this package into a `Registry`, and
`Registry.execute` runs one call. Whatever goes wrong in a call becomes an output that the model reads:
nothing is raised but `CancelledError`.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
import re
import traceback
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, get_type_hints, overload

import structlog
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

import tools
from tools.asking import Form
from tools.context import ToolContext, current
from tools.schema import Schema, is_strict, parameters_of

ENTRY_POINTS = "parley.tools"
DEFAULT_TIMEOUT = 15.0
LONGEST_OUTPUT = 60_000
MOST_PROBLEMS = 8
NOTHING_ASKED = "There is no question in it, so nobody was asked."

AsyncFunction = Callable[..., Coroutine[Any, Any, object]]
AskingFunction = Callable[..., Form]
Function = AsyncFunction | AskingFunction

log = structlog.get_logger(__name__)


class ToolError(Exception):
    """Raised by a tool that cannot do what was asked. Its text is one sentence for the model."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model reads. A failed one is the JSON object `{"error": "<one sentence>"}`."""

    output: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call. `parameters` is a JSON Schema object; `timeout` is in seconds.

    One that `asks` makes a form of its arguments, and its output is what a person answers. One with `approval` is run
    when a person allows it, unless admins say otherwise.
    """

    name: str
    description: str
    parameters: Schema
    strict: bool
    timeout: float
    function: Function
    adapter: TypeAdapter[Any] = field(repr=False, compare=False)
    asks: bool = False
    approval: bool = False


@overload
def tool(function: Function, /) -> Tool: ...


@overload
def tool(*, timeout: float = DEFAULT_TIMEOUT, approval: bool = False) -> Callable[[Function], Tool]: ...


def tool(
    function: Function | None = None, /, *, timeout: float = DEFAULT_TIMEOUT, approval: bool = False
) -> Tool | Callable[[Function], Tool]:
    """Makes a `Tool` of a typed async function; its docstring is the description that the model reads.

    Parameters are described with `Annotated[str, Field(description=…)]`. With `approval` each call waits for a person's
    leave. A plain function that returns a `Form` makes a tool that asks a person. Raises `TypeError` where the function
    cannot be a tool.
    """
    if function is None:
        return lambda decorated: _define(decorated, timeout, approval)
    return _define(function, timeout, approval)


def _define(function: Function, timeout: float, approval: bool) -> Tool:
    name = getattr(function, "__name__", repr(function))
    description = inspect.getdoc(function)
    asks = not inspect.iscoroutinefunction(function) and _returns(function) is Form
    _check(function, name, description, timeout, asks)
    callable_: Any = function  # the type checker takes only types here; pydantic takes functions too
    adapter: TypeAdapter[Any] = TypeAdapter(callable_)
    parameters = parameters_of(adapter)
    strict = is_strict(parameters)
    return Tool(name, description or "", parameters, strict, timeout, function, adapter, asks, approval and not asks)


def _returns(function: Function) -> object:
    try:
        return get_type_hints(function).get("return")
    except (NameError, TypeError):  # an annotation that cannot be resolved here; pydantic says so, where it needs it
        return None


def _check(function: Function, name: str, description: str | None, timeout: float, asks: bool) -> None:
    if not (asks or inspect.iscoroutinefunction(function)):
        raise TypeError(f"The tool {name} has to be an async function, or to return a Form.")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise TypeError(f"The tool {name} needs a name of at most 64 ASCII letters, digits and underscores.")
    if not description:
        raise TypeError(f"The tool {name} needs a docstring: the model reads it as the description.")
    if timeout <= 0:
        raise TypeError(f"The tool {name} needs a time-out of more than 0 seconds.")
    signature = inspect.signature(function)
    if signature.return_annotation is inspect.Signature.empty:
        raise TypeError(f"The tool {name} needs an annotation of what it returns.")
    for parameter in signature.parameters.values():
        _check_parameter(name, parameter)


def _check_parameter(name: str, parameter: inspect.Parameter) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise TypeError(f"The tool {name} cannot take {parameter}: a model has to be told every argument.")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise TypeError(f"The tool {name} cannot take {parameter.name} by position only: a model gives names.")
    if parameter.annotation is parameter.empty:
        raise TypeError(f"The tool {name} needs an annotation of its parameter {parameter.name}.")


class Registry(Mapping[str, Tool]):
    """Tools by name, in the order given. Raises `ValueError` where two have one name.

    `grace` is how many seconds a cancelled tool gets to end before its call is answered without it.
    """

    def __init__(self, known: Iterable[Tool] = (), *, grace: float = 0.5) -> None:
        self._tools: dict[str, Tool] = {}
        self._ending: set[asyncio.Task[ToolResult]] = set()
        self._grace = grace
        for one in known:
            if one.name in self._tools:
                raise ValueError(f"Two tools are called {one.name}.")
            self._tools[one.name] = one

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._tools)

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    async def execute(self, name: str, arguments: str, context: ToolContext, *, enabled: Collection[str]) -> ToolResult:
        """Runs one call. `arguments` is the JSON text as the model wrote it; an empty one counts as `{}`.

        Every failure is a `ToolResult` that says so. Raises nothing but `CancelledError`, and then the tool is
        cancelled too.
        """
        chosen = self._tools.get(name)
        if chosen is None or name not in enabled:
            return _failure(self._unavailable(name, enabled))
        call = asyncio.create_task(_call(chosen, arguments, context), name=f"tool {name} {context.call_id}")
        try:
            await asyncio.wait({call}, timeout=chosen.timeout)
        except asyncio.CancelledError:
            await self._end(call)
            raise
        if not call.done():
            await self._end(call)
            return _failure(f"{name} timed out after {chosen.timeout:g} seconds.")
        if call.cancelled():
            return _failure(f"{name} failed unexpectedly (CancelledError).")
        return call.result()

    def problem(self, name: str, arguments: str, *, enabled: Collection[str]) -> str:
        """Why a call could not be run, as the model is told when it is executed; empty where nothing is known of."""
        chosen = self._tools.get(name)
        if chosen is None or name not in enabled:
            return self._unavailable(name, enabled)
        try:
            prepared = _start(chosen, arguments)
        except ToolError as error:
            return str(error)
        except Exception as error:  # of a function that makes a form; it is told when the call is executed
            return type(error).__name__
        if inspect.iscoroutine(prepared):
            prepared.close()
        return "" if not chosen.asks or prepared.questions else NOTHING_ASKED

    def form(self, name: str, arguments: str) -> Form:
        """What a call of a tool that asks wants to know. Raises `ToolError` where its arguments do not fit."""
        form: Form = _start(self._tools[name], arguments)
        return form

    def _unavailable(self, name: str, enabled: Collection[str]) -> str:
        available = ", ".join(known for known in self._tools if known in enabled)
        known = f"The tool {name} is turned off here" if name in self._tools else f"There is no tool {name[:64]!r}"
        return f"{known}; available: {available}." if available else f"{known}, and no tool is available."

    async def _end(self, call: asyncio.Task[ToolResult]) -> None:
        """Cancels the call and waits for its end within the grace. One that does not end is kept until it does."""
        self._ending.add(call)
        call.add_done_callback(self._ending.discard)
        call.cancel()
        await asyncio.wait({call}, timeout=self._grace)
        if not call.done():
            log.warning("tool ignores its cancellation and was left behind", task=call.get_name())


async def _call(chosen: Tool, arguments: str, context: ToolContext) -> ToolResult:
    current.set(context)
    try:
        prepared = _start(chosen, arguments)
        if chosen.asks:
            nobody = f"{chosen.name} asks a person, and there is nobody to ask."
            return _failure(nobody if prepared.questions else NOTHING_ASKED)
        return ToolResult(_cut(_text(await prepared)))
    except ToolError as error:
        return _failure(str(error) or f"{chosen.name} failed and did not say why.")
    except (Exception, SystemExit) as error:
        _log_failure(chosen, context, error)
        return _failure(f"{chosen.name} failed unexpectedly ({type(error).__name__}).")


def _start(chosen: Tool, arguments: str) -> Any:
    """The call with validated arguments, not yet awaited; of a tool that asks, its form.

    Raises `ToolError` where they do not fit.
    """
    text = (arguments.strip() or "{}").encode("utf-8", "surrogatepass")  # half a surrogate pair is then bad JSON
    try:
        given = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise ToolError(f"The arguments of {chosen.name} are not valid JSON: {error}.") from None
    if not isinstance(given, dict):
        raise ToolError(f"The arguments of {chosen.name} have to be one JSON object.")
    try:
        call = chosen.adapter.validate_json(text)
    except ValidationError as error:
        raise ToolError(f"The arguments of {chosen.name} do not fit: {_problems(chosen, error)}.") from None
    return call


def _problems(chosen: Tool, error: ValidationError) -> str:
    found = [
        f"{'.'.join(map(str, problem['loc']))}: {_problem(chosen, problem['type'], problem['msg'])}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    more = [f"and {len(found) - MOST_PROBLEMS} more"] if len(found) > MOST_PROBLEMS else []
    return "; ".join(found[:MOST_PROBLEMS] + more)


def _problem(chosen: Tool, kind: str, message: str) -> str:
    if kind == "unexpected_keyword_argument":
        return f"there is no such argument (there are: {', '.join(chosen.parameters['properties']) or 'none'})"
    return message


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be stored or sent
    return to_json(value).decode()


def _cut(text: str) -> str:
    surplus = len(text) - LONGEST_OUTPUT
    return text if surplus <= 0 else f"{text[:LONGEST_OUTPUT]}\n[cut: {surplus} more characters]"


def _failure(sentence: str) -> ToolResult:
    return ToolResult(_text({"error": _cut(_text(" ".join(sentence.split())))}), failed=True)


def _log_failure(chosen: Tool, context: ToolContext, error: BaseException) -> None:
    """Where and what, but not the error's text and no local variables: both may repeat the arguments."""
    log.warning(
        "tool failed",
        tool=chosen.name,
        call_id=context.call_id,
        error=type(error).__name__,
        stack="".join(traceback.format_tb(error.__traceback__)),
    )


def load() -> Registry:
    """The tools of this package's modules, by module name and then as they are defined, and then those of installed
    packages: an entry point of the group `parley.tools` names a module with tools, or a tool.

    A package that cannot be loaded, and a tool whose name is taken, are left out and logged.
    """
    modules = [
        importlib.import_module(f"{tools.__name__}.{found.name}") for found in pkgutil.iter_modules(tools.__path__)
    ]
    known = {one.name: one for module in modules for one in _tools_of(module)}
    for point in entry_points(group=ENTRY_POINTS):
        try:
            loaded = point.load()
            found = [loaded] if isinstance(loaded, Tool) else list(_tools_of(loaded))
        except Exception as error:
            log.error("tools not loaded", entry_point=point.value, error=f"{type(error).__name__}: {error}")  # noqa: TRY400
            continue
        for one in found:
            if known.setdefault(one.name, one) is not one:
                log.error("tool not loaded, there is one of its name", entry_point=point.value, tool=one.name)
    return Registry(known.values())


def _tools_of(module: ModuleType) -> Iterator[Tool]:
    """Those that are defined there."""
    for value in vars(module).values():
        if isinstance(value, Tool) and value.function.__module__ == module.__name__:
            yield value
