"""Request bodies: JSON objects of a known form, or an error that names the field and what it may be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bot.api.errors import ApiError
from bot.api.refusals import refusal
from bot.assistants.types import well_formed


class Body(BaseModel):
    """Fields that are not known are refused, and nothing is taken for something else."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def given(self) -> dict[str, Any]:
        """What the request holds, also where that is null."""
        return self.model_dump(exclude_unset=True)


def _metadata(value: dict[str, str]) -> dict[str, str]:
    return {well_formed(key): well_formed(said) for key, said in value.items()}


MetadataKey = Annotated[str, StringConstraints(max_length=64)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16), AfterValidator(_metadata)]
"""https://platform.openai.com/docs/api-reference/assistants/object (metadata)"""
Text = Annotated[str, AfterValidator(well_formed)]

Form = TypeVar("Form", bound=Body)


def parsed(data: bytes, form: type[Form]) -> Form:
    """Raises `ApiError`."""
    try:
        value = json.loads(data or b"{}", parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        raise ApiError("We could not parse the JSON body of your request. It must be valid JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise ApiError("The body of the request must be a JSON object.")
    return checked(value, form)


def checked(value: Mapping[str, Any], form: type[Form]) -> Form:
    """Raises `ApiError`. Checked as JSON, in which a list may stand for a tuple, but no text for a number."""
    try:
        return form.model_validate_json(json.dumps(value))
    except ValidationError as error:
        raise refusal(error.errors(include_url=False), value) from None
    except RecursionError:
        raise ApiError("The body of the request is nested too deeply.") from None


def _finite(said: str) -> float:
    """JSON has no other numbers, but Python takes them, and reads those that are too large as infinite."""
    number = float(said)
    if not isfinite(number):
        raise ValueError(said)
    return number
