"""Puts a turn's answer together: every result and every sentence, in the order of the questions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bot.assistants.types import JSON
from bot.models.demo.plan import Part, Said, Step, Wanted
from bot.models.demo.results import compare, place_of, tell
from bot.models.demo.talk import WHO
from bot.models.demo.thread import Made


def answer(parts: Sequence[Part], made: Sequence[Made]) -> str:
    """The answer to all waiting messages; with names in front where several people wrote them."""
    by_key = {one.key: one for one in reversed(made)}
    speakers = {part.question.author.id if part.question.author else "" for part in parts}
    texts = [_part(part, by_key, len(speakers) > 1) for part in parts]
    planned = {step.key for part in parts for step in part.steps if isinstance(step, Wanted)}
    extra = _results([one for one in made if one.key not in planned])
    return "\n\n".join(dict.fromkeys(filter(None, [*extra, *texts]))) or WHO


def in_format(text: str, response_format: str | JSON | None) -> str:
    """The text, or a JSON object that holds it where the request wants JSON."""
    kind = response_format.get("type") if isinstance(response_format, Mapping) else response_format
    if kind in ("json_object", "json_schema"):
        return json.dumps({"answer": text}, ensure_ascii=False)
    return text


def _part(part: Part, made: Mapping[str, Made], named: bool) -> str:
    sentences: list[str] = []
    place = ""
    for step in part.steps:
        sentences.append(_step(step, made, place))
        if isinstance(step, Wanted) and step.key in made:
            place = place_of(made[step.key]) or place
    results = [made[step.key] for step in part.steps if isinstance(step, Wanted) and step.key in made]
    text = _flowing([*sentences, compare(part.question.text, results)])
    author = part.question.author
    return f"{' '.join(author.name.split())}: {text}" if named and author else text


def _step(step: Step, made: Mapping[str, Made], place: str) -> str:
    if isinstance(step, Said):
        return step.text
    if step.key in made:
        return tell(made[step.key], place)
    return f"I have not called {step.tool}, because this answer was to do without it."


def _results(made: Sequence[Made]) -> list[str]:
    """The results of calls that no question needed: they were forced."""
    return list(map(tell, made))


def _flowing(sentences: Sequence[str]) -> str:
    """Sentences in one paragraph; what has several lines stands alone."""
    text = ""
    for sentence in dict.fromkeys(filter(None, sentences)):
        apart = "\n" in sentence or "\n" in text.rpartition("\n\n")[2]
        text += f"{(chr(10) * 2 if apart else ' ') if text else ''}{sentence}"
    return text
