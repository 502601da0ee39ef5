"""The images of a request: which of them it shows, and what the person is told of those that it does not.

Old images leave the request in strides, not one with each new one: the prefix of the prompt stays the same for
several turns, and provider prompt caches hit. An image that is not shown is a line of text instead.

What no request could show is not even read from the store: such an image comes without its data, and is counted here
like any other.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, islice

from bot.assistants.types import File
from bot.models.port import Item, ModelRequest, Remark, UserText

MOST_IMAGES, STRIDE = 10, 5
MOST_BYTES = 16 * 1024 * 1024
"""Of all images of a request. OpenAI takes 50 MB, https://platform.openai.com/docs/guides/images-vision, other
servers less; in base64 this is 21 MB."""
IMAGES = "images"
"""Under this name a server without vision is remembered beside the parameters that it lacks."""


class Sight:
    """What one model call sees."""

    def __init__(self, request: ModelRequest) -> None:
        self._request = request
        self._fitting = replace(request, items=fitting(request.items))
        self._blind = self._told = False
        self.any = any(_images(self._fitting.items))

    def allowed(self, without: frozenset[str]) -> ModelRequest:
        """The request for a server that does without these."""
        self._blind = IMAGES in without
        return hidden(self._request) if self._blind else self._fitting

    def new_remarks(self) -> list[Remark]:
        """What the person should know once the server has taken the request; nothing when asked again."""
        asked = [] if self._told else _asked(self._request.items)
        self._told = True
        if self._blind:
            return unseen(asked, "The model cannot look at images")
        shown = sum(bool(image.data) for image in _asked(self._fitting.items))
        return unseen(asked[:-shown] if shown else asked, "There are more images than fit into one look")


def most_shown(sizes: Iterable[int]) -> int:
    """How many of these images (bytes of each, the newest first) a request shows at most: the first so many."""
    together = accumulate(islice(sizes, MOST_IMAGES))
    return sum(size <= MOST_BYTES for size in together)


def fitting(items: Sequence[Item]) -> Sequence[Item]:
    """The items without the images that are too many or too large together.

    Of the newest question no more is hidden than must be; older images go by the stride.
    """
    images = _sent(items)
    least = len(images) - most_shown(image.size for image in reversed(images))
    older = len(images) - len(_asked(items))
    return _without_oldest(items, max(least, min(-(-least // STRIDE) * STRIDE, older)))


def hidden(request: ModelRequest) -> ModelRequest:
    """The request without any image."""
    return replace(request, items=_without_oldest(request.items, len(_sent(request.items))))


def fewer(request: ModelRequest) -> ModelRequest | None:
    """The request with the images of the newest question only, or else with none; nothing where it has none."""
    asked = _asked(request.items)
    older = _sent(request.items)[: -len(asked) or None]
    if asked and any(image.data for image in older):
        return replace(request, items=_without_oldest(request.items, len(older)))
    return hidden(request) if _images(request.items) else None


def refused(before: ModelRequest, after: ModelRequest) -> list[Remark]:
    """What the person should know of the images of their question that `after` does not show any more."""
    return [] if _asked(after.items) else unseen(_asked(before.items), "The model did not accept the images")


def unseen(images: Sequence[File], why: str) -> list[Remark]:
    if not images:
        return []
    names = list(dict.fromkeys(image.name for image in images))
    said = ", ".join(names[:-1]) + (" and " if names[1:] else "") + names[-1]
    return [Remark(f"{why}, so {said} {'were' if names[1:] else 'was'} not looked at.")]


def unseen_by(request: ModelRequest, who: str) -> list[Remark]:
    """The remark of a model that sees no images at all."""
    return unseen(_asked(request.items), f"{who} cannot look at images")


def data_url(image: File) -> str:
    return image.url or f"data:{image.mime};base64,{base64.b64encode(image.data).decode('ascii')}"


def _images(items: Sequence[Item]) -> list[File]:
    """The images whose data is there."""
    return [image for item in items if isinstance(item, UserText) for image in item.images]


def _sent(items: Sequence[Item]) -> list[File]:
    """All images that could be read when they came."""
    return [file for item in items if isinstance(item, UserText) for file in item.files if _is_image(file)]


def _is_image(file: File) -> bool:
    # What could not be read has a note that says so.
    return bool(file.data) or (file.mime.startswith("image/") and not file.text and not file.note)


def _asked(items: Sequence[Item]) -> list[File]:
    """The images of the newest question: of all that people said last, whatever the run has done since.

    None where not one has its data: the newest always comes with it, so they were hidden, and the person was told.
    """
    last = max((at for at, item in enumerate(items) if isinstance(item, UserText)), default=-1)
    first = last
    while first > 0 and isinstance(items[first - 1], UserText):
        first -= 1
    question = items[max(first, 0) : last + 1]
    return _sent(question) if _images(question) else []


def _without_oldest(items: Sequence[Item], count: int) -> Sequence[Item]:
    kept: list[Item] = []
    for item in items:
        if isinstance(item, UserText) and item.files and count > 0:
            files: list[File] = []
            for file in item.files:
                hide = _is_image(file) and count > 0
                count -= hide
                files.append(replace(file, data=b"", note="") if hide else file)
            kept.append(replace(item, files=tuple(files)))
        else:
            kept.append(item)
    return kept
