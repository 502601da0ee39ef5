"""Which of a thread fits the model's window, and in what form the model reads it.

A thread is cut between *blocks* only: what people said in one go, or all that one run did. A tool call is
therefore never parted from its output. Where old blocks must go, the cut moves in long strides, not by a block a
turn: the prefix of the prompt stays the same for many turns, and provider prompt caches hit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.assistants.types import Message, Run, RunStep
from bot.models.port import AssistantText, Call, CallOutput, Item, OwnItems, UserText

WINDOW_MESSAGES = 200
"""The newest messages that are read for one run, at most."""

WINDOW_TOKENS = 60_000
"""Prompt tokens for the thread where the run sets no `max_prompt_tokens`; fits the window of every current model."""

IMAGE_TOKENS = 1_000
"""About what an image costs: https://platform.openai.com/docs/guides/images-vision (calculating costs)."""

BROKEN_OFF = '{"error": "The run ended before this call gave an output."}'


@dataclass(frozen=True, slots=True)
class Past:
    """The newest part of a thread, oldest first, with the steps of the runs that wrote in it and of the run itself."""

    messages: Sequence[Message] = ()
    steps: Sequence[RunStep] = ()
    more: bool = False
    """Older messages exist."""


@dataclass(slots=True)
class _Block:
    position: int
    items: list[Item]
    messages: int = 1
    tokens: int = field(init=False)

    @property
    def asked(self) -> bool:
        """It holds what people said."""
        return isinstance(self.items[0], UserText)

    def __post_init__(self) -> None:
        self.tokens = sum(estimate(item) for item in self.items)


def window(past: Past, run: Run, budget: int | None = None) -> tuple[list[Item], bool]:
    """The items for the next model call of `run`, and whether the newest question fits `budget` tokens.

    The newest question and what the run itself has done so far are always in it.
    """
    own = list(_own_items(past, run))
    blocks = list(_blocks(past, run))
    room = (WINDOW_TOKENS if budget is None else budget) - sum(estimate(item) for item in own)
    start = _start(blocks, room, run.truncation_strategy.get("last_messages"), past.more)
    kept = blocks[start:]
    fits = sum(block.tokens for block in kept) <= room
    return [item for block in kept for item in block.items] + own, fits


def estimate(item: Item) -> int:
    """About how many tokens an item costs. Bytes, not characters: scripts with long encodings cost more tokens."""
    match item:
        case UserText():
            size = len(item.spoken.encode()) + len(item.images) * IMAGE_TOKENS * 7 // 2
        case AssistantText(text=text) | CallOutput(output=text):
            size = len(text.encode())
        case Call(name=name, arguments=arguments):
            size = len(name) + len(arguments.encode())
        case OwnItems(neutral=neutral):
            return sum(estimate(part) for part in neutral)
    return size * 2 // 7 + 4


def _start(blocks: Sequence[_Block], room: int, last_messages: int | None, more: bool) -> int:
    """The index of the first block that is kept."""
    start = len(blocks)
    messages = 0
    while start > 0:
        block = blocks[start - 1]
        room -= block.tokens
        messages += block.messages
        over = room < 0 or (last_messages is not None and messages > last_messages)
        if over and start < len(blocks):
            break
        start -= 1
    if last_messages is None and (start > 0 or more):
        return _steady(blocks, start)
    return start


def _steady(blocks: Sequence[_Block], start: int) -> int:
    """A question within the first quarter (by tokens) of what fits, chosen such that it stays the choice for long.

    It is the one at which the highest bit of the position changes: as the window moves on, that stays the roundest
    number in sight until it leaves the quarter itself. (Some templates refuse a prompt that begins with an answer.)
    """
    spare = sum(block.tokens for block in blocks[start:]) // 4
    best, roundest, before = len(blocks) - 1, 0, blocks[start].position - 1
    for block in range(start, len(blocks)):
        if blocks[block].asked:
            roundness = (blocks[block].position ^ before).bit_length()
            if roundness > roundest:
                best, roundest = block, roundness
            before = blocks[block].position
        spare -= blocks[block].tokens
        if spare < 0 and roundest:
            break
    return best


def _blocks(past: Past, run: Run) -> Iterator[_Block]:
    """The thread before `run`'s own doings, oldest first."""
    texts = {message.id: message.text for message in past.messages}
    steps: dict[str, list[RunStep]] = {}
    for step in past.steps:
        steps.setdefault(step.run_id, []).append(step)
    done: set[str] = set()
    said: list[Message] = []
    for message in past.messages:
        if message.run_id == run.id:
            continue
        if said and (message.role != "user" or message.position != said[0].position):
            yield _said_block(said)
            said = []
        if message.role == "user":
            said.append(message)
        elif message.run_id is None:
            yield _Block(message.position or 0, [AssistantText(message.text)])
        elif message.run_id not in done:
            done.add(message.run_id)
            items = list(_run_items(steps.get(message.run_id, ()), texts))
            yield _Block(message.position or 0, items or [AssistantText(message.text)])
    if said:
        yield _said_block(said)


def _said_block(said: Sequence[Message]) -> _Block:
    items: list[Item] = [UserText(message.text, message.author, message.files) for message in said]
    return _Block(said[0].position or 0, items, messages=len(said))


def _run_items(steps: Sequence[RunStep], texts: dict[str, str]) -> Iterator[Item]:
    """What an earlier run did, in its order. Its reasoning is not passed on."""
    for step in steps:
        if step.type == "message_creation":
            if step.message_id in texts:
                yield AssistantText(texts[step.message_id])
        else:
            yield from (Call(call.id, call.name, call.arguments) for call in step.calls)
            yield from _outputs(step)


def _own_items(past: Past, run: Run) -> Iterator[Item]:
    """What `run` itself has done so far, its reasoning included."""
    texts = {message.id: message.text for message in past.messages if message.run_id == run.id}
    said: list[AssistantText | Call] = []
    for step in past.steps:
        if step.run_id != run.id:
            continue
        if step.type == "message_creation":
            said.append(AssistantText(texts.get(step.message_id or "", "")))
        else:
            calls = [Call(call.id, call.name, call.arguments) for call in step.calls]
            yield OwnItems(step.provider, step.items, (*said, *calls))
            yield from _outputs(step)
            said = []


def _outputs(step: RunStep) -> Iterator[CallOutput]:
    for call in step.calls:
        yield CallOutput(call.id, BROKEN_OFF if call.output is None else call.output)
