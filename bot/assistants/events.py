"""What a run tells the world while it is advanced: a closed union. `RunEnded` is the terminal event, and the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.assistants.asking import Asking
from bot.assistants.types import Message, Run, RunStep, ToolCall


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run is in progress: from now on, or again after an interruption."""

    run: Run


@dataclass(frozen=True, slots=True)
class MessageBegun:
    """The model begins a message, which is empty yet, on this step. Neither is stored before the message is written."""

    message: Message
    step: RunStep


@dataclass(frozen=True, slots=True)
class PastRead:
    """What earlier runs of the thread have called, which the model reads: the answer may build on the outputs."""

    calls: Sequence[ToolCall]


@dataclass(frozen=True, slots=True)
class TextAppended:
    """The model went on with the message that it is writing."""

    text: str


@dataclass(frozen=True, slots=True)
class TextDiscarded:
    """The message that was begun no longer holds, with all that was appended: the stream broke and begins anew."""


@dataclass(frozen=True, slots=True)
class Remarked:
    """The person should know this beside the answer: a file that was not read, an image that the model cannot see."""

    text: str


@dataclass(frozen=True, slots=True)
class FileRead:
    """A long file is being read, and so much of it (0 to 1) can be searched."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class MessageCompleted:
    """The message is written; a run that goes on to call tools can have several."""

    message: Message
    step: RunStep


@dataclass(frozen=True, slots=True)
class CallsRecorded:
    """The model asked for these calls, and they are on the run's step. `asking`: what of them people are asked now."""

    step: RunStep
    asking: Sequence[Asking] = ()


@dataclass(frozen=True, slots=True)
class OutputRecorded:
    """A call's output is known and on its step."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """Nothing is left to do here: the run waits for someone outside, and is advanced again with their outputs.

    `asking` is what people are asked, of the calls that wait for one.
    """

    run: Run
    asking: Sequence[Asking] = ()


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is terminal."""

    run: Run


Event = (
    RunStarted
    | MessageBegun
    | PastRead
    | TextAppended
    | TextDiscarded
    | Remarked
    | FileRead
    | MessageCompleted
    | CallsRecorded
    | OutputRecorded
    | ActionRequired
    | RunEnded
)
Emit = Callable[[Event], None]
