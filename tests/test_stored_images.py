"""Images that no request could show are not read from the store: what a request shows and says stays the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.assistants.types import Author, File
from bot.models import images
from bot.models.images import MOST_BYTES, MOST_IMAGES, Sight, fewer, fitting, hidden, most_shown, refused
from bot.models.port import AssistantText, Item, ModelRequest, Remark, UserText


def said(*names: str, size: int = 8) -> UserText:
    files = tuple(File(name, "image/png", size, data=b"x" * size) for name in names)
    return UserText("Look!", Author("U1", "Alice"), files)


def asking(items: Sequence[Item]) -> ModelRequest:
    return ModelRequest(model="gpt-test", instructions="", items=items)


def stored(items: Sequence[Item]) -> list[Item]:
    """The items as they come from the store: of all images, only the newest ones have their data."""
    sizes = [file.size for item in reversed(items) if isinstance(item, UserText) for file in reversed(item.files)]
    left = most_shown(sizes)
    kept: list[Item] = []
    for item in reversed(items):
        if isinstance(item, UserText):
            files = []
            for file in reversed(item.files):
                files.append(file if left > 0 else replace(file, data=b""))
                left -= 1
            kept.append(replace(item, files=tuple(reversed(files))))
        else:
            kept.append(item)
    return kept[::-1]


@pytest.mark.parametrize("size", [8, MOST_BYTES // 4])
@pytest.mark.parametrize("count", range(1, 24))
def test_old_images_leave_in_the_same_strides(count: int, size: int) -> None:
    turns = [item for turn in range(count) for item in (said(f"{turn}.png", size=size), AssistantText("Nice."))][:-1]
    assert fitting(stored(turns)) == fitting(turns)


def test_images_of_the_question_that_were_not_even_read_are_told_of() -> None:
    question = [said(*(f"{name}{number}.png" for number in range(6))) for name in "ab"]
    told = [Remark("There are more images than fit into one look, so a0.png and a1.png were not looked at.")]
    assert Sight(asking(stored(question))).new_remarks() == told


def test_all_images_of_a_refused_question_are_told_of_once() -> None:
    before = asking(stored([said(*(f"{number}.png" for number in range(MOST_IMAGES + 1)))]))
    after = fewer(before)
    assert after == hidden(before)
    assert after is not None
    assert [remark.text.count(".png") for remark in refused(before, after)] == [MOST_IMAGES + 1]
    assert (Sight(after).new_remarks(), fewer(after)) == ([], None)


def test_a_file_that_could_not_be_read_is_no_image() -> None:
    broken = replace(said("a.png"), files=(File("a.png", "image/png", 8, note="a.png was not read: it is damaged."),))
    assert images.unseen_by(asking([broken]), "The demo model") == []
