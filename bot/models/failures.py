"""What went wrong at a model endpoint, told to three readers: the person (a sentence that says what to do), the
retry loop (again or not, and when) and the log (codes and the server's own words, without keys or message text).

Codes: https://platform.openai.com/docs/guides/error-codes. Compatible servers send fewer of them, so the HTTP
status decides where no code is known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import httpx2
import openai

from bot.assistants.types import ErrorCode
from bot.models.port import ModelError

AGAIN = "Please try again in a minute."


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to fail: what the person reads, the run's code, whether another attempt may help (the same request, or
    one without its images)."""

    sentence: str
    code: ErrorCode = "server_error"
    retryable: bool = False
    about_images: bool = False


BUSY = Kind(f"Too many requests are going to the model right now. {AGAIN}", "rate_limit_exceeded", retryable=True)
OVERLOADED = Kind(f"The model is overloaded right now. {AGAIN}", retryable=True)
TROUBLE = Kind(f"The model had a problem. {AGAIN}", retryable=True)
UNREACHABLE = Kind(f"The model could not be reached. {AGAIN}", retryable=True)
SLOW = Kind(f"The model took too long to answer. {AGAIN}", retryable=True)
BROKEN = Kind(f"The model's answer broke off. {AGAIN}", retryable=True)
NO_CREDIT = Kind(
    "The account for the model has run out of credit. Please ask an admin to check its plan and billing.",
    "rate_limit_exceeded",
)
BAD_KEY = Kind("The model did not accept Parley's API key. Please ask an admin to check the key.")
FORBIDDEN = Kind("Parley's API key may not use this model. Please ask an admin to check the key's permissions.")
TOO_LONG = Kind(
    "This conversation is too long for the model. Please start a new one, or send a shorter message.",
    "invalid_prompt",
)
POLICY = Kind(
    "The model's provider does not allow this message. Please put it differently and try again.", "invalid_prompt"
)
TOO_LARGE = replace(TOO_LONG, about_images=True)
IMAGE = Kind(
    "The model did not accept an image. Please send it in another form, or ask without it.",
    "invalid_prompt",
    about_images=True,
)
NOT_ACCEPTED = Kind(
    "The model did not accept Parley's request. Please ask an admin to look at the log.", about_images=True
)
"""The reason is not known, and may be the images."""

_IMAGE_CODES = (
    "invalid_image",
    "invalid_image_format",
    "invalid_base64_image",
    "invalid_image_url",
    "image_too_large",
    "image_too_small",
    "image_parse_error",
    "invalid_image_mode",
    "image_file_too_large",
    "unsupported_image_media_type",
    "empty_image_file",
)
"""https://platform.openai.com/docs/api-reference/responses/object (error)."""
_BY_CODE: Mapping[str, Kind] = {
    "rate_limit_exceeded": BUSY,
    "rate_limit_error": BUSY,
    "server_error": TROUBLE,
    "internal_error": TROUBLE,
    "internal_server_error": TROUBLE,
    "overloaded": OVERLOADED,
    "overloaded_error": OVERLOADED,
    "server_is_overloaded": OVERLOADED,
    "service_unavailable": OVERLOADED,
    "service_unavailable_error": OVERLOADED,
    "slow_down": OVERLOADED,
    "insufficient_quota": NO_CREDIT,
    "billing_hard_limit_reached": NO_CREDIT,
    "invalid_api_key": BAD_KEY,
    "context_length_exceeded": TOO_LONG,
    "exceed_context_size_error": TOO_LONG,
    "string_above_max_length": TOO_LONG,
    "invalid_prompt": POLICY,
    "content_filter": POLICY,
    "content_policy_violation": POLICY,
    "ResponsibleAIPolicyViolation": POLICY,
    "bio_policy": POLICY,
    "misalignment_policy_violation": POLICY,
    "image_content_policy_violation": replace(POLICY, about_images=True),
    **dict.fromkeys(_IMAGE_CODES, IMAGE),
}
_REFUSED = ("invalid_request_error", "data_residency_mismatch")
"""Of the codes that come inside a stream, those that every further attempt would meet as well."""
_UNKNOWN_MODEL = ("model_not_found", "DeploymentNotFound")
_BY_STATUS: Mapping[int, Kind] = {
    401: BAD_KEY,
    402: NO_CREDIT,
    403: FORBIDDEN,
    408: SLOW,
    409: TROUBLE,
    413: TOO_LARGE,
    429: BUSY,
    503: OVERLOADED,
    504: SLOW,
    529: OVERLOADED,
}
_LONG_CONTEXT = re.compile(r"maximum context length|context (length|window|size)|too many tokens", re.IGNORECASE)
_ECHO = re.compile(
    r"""['"]input['"]\s*:.*|['"]?\b(?:messages|tools|input|prompt|content)\\*['"]?\s*[:=]\s*\\*[\[{"'].*""",
    re.DOTALL | re.IGNORECASE,
)
_KEY = re.compile(r"\b(?:sk|pk|key)-[\w*.-]{6,}|(?<=Bearer )\S+", re.IGNORECASE)


OURS = (
    openai.OpenAIError,
    aiohttp.ClientError,  # what the client does not translate of the transport: HTTP that is none
    TimeoutError,  # of an opening
    json.JSONDecodeError,
    UnicodeDecodeError,
    RecursionError,
)


@contextmanager
def translated(model: str) -> Iterator[None]:
    """Raises `ModelError` for whatever the openai client, or reading its stream, raises inside the block."""
    try:
        yield
    except OURS as error:
        raise failure(error, model) from error


@contextmanager
def legible() -> Iterator[None]:
    """Raises `ModelError` where an event read inside the block has another form than the API gives it."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise broken(f"unreadable: {type(error).__name__}") from error


def failure(error: Exception, model: str) -> ModelError:
    """The `ModelError` for an exception of the openai client. `model` is named where it is the one at fault."""
    # On aiohttp each connection that fails, too, is told as one that took too long.
    late = isinstance(error, openai.APITimeoutError) and not isinstance(error.__cause__, httpx2.ConnectTimeout)
    if late or isinstance(error, TimeoutError):
        return told(SLOW, "timeout")
    if isinstance(error, openai.APIConnectionError | aiohttp.ClientError):
        return told(UNREACHABLE, f"connection: {error.__cause__ or error}")
    if isinstance(error, openai.APIStatusError):
        kind = _kind(_names(error), error.status_code, model, words(error), error.param)
        return told(kind, _detail(error, error.status_code), retry_after=retry_after(error.response.headers))
    if isinstance(error, openai.APIError):
        status = _status(error.code)
        kind = _kind(_names(error), status, model, words(error), error.param)
        return told(kind, _detail(error, status))
    return told(BROKEN, f"unreadable: {type(error).__name__}")


def reported(error: object, model: str) -> ModelError:
    """The `ModelError` for an error that a stream reported in its own events: an object with code and message."""
    said = error if isinstance(error, Mapping) else {"message": error}
    code, text = said.get("code"), _without_echo(str(said.get("message") or ""))
    names = [str(name) for name in (code, said.get("type")) if name is not None]
    kind = _kind(names, _status(code), model, text)
    return told(kind, f"stream code={code}: {_clean(text)}")


def broken(detail: str) -> ModelError:
    """The `ModelError` for a stream that ended before its end."""
    return told(BROKEN, detail)


def told(kind: Kind, detail: str, *, retry_after: float | None = None) -> ModelError:
    return ModelError(
        kind.sentence,
        code=kind.code,
        retryable=kind.retryable,
        retry_after=retry_after if kind.retryable else None,
        detail=detail,
        about_images=kind.about_images,
    )


def unknown_model(model: str) -> Kind:
    return Kind(
        f"There is no model '{model}' at the configured address. Please ask an admin to check MODEL and the address."
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` (seconds or a date, read by the server's own clock).

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers.get(name, "")) * unit)
        except ValueError:
            continue
    until, now = _date(headers.get("retry-after")), _date(headers.get("date"))
    if until is None:
        return None
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def _names(error: openai.APIError) -> list[str]:
    return [str(name) for name in (error.code, error.type, _inner_code(error)) if name]


def _status(code: object) -> int | None:
    """The HTTP status that some servers send as the code of an error inside a stream."""
    return int(str(code)) if re.fullmatch("[45][0-9]{2}", str(code)) else None


def _kind(names: Sequence[str], status: int | None, model: str, text: str, param: str | None = None) -> Kind:
    """`names` are the error's codes, the most telling first. Without `status` the request had been accepted."""
    if status == 404 or any(name in _UNKNOWN_MODEL for name in names):
        return unknown_model(model)
    known = next((_BY_CODE[name] for name in names if name in _BY_CODE), None)
    if known and not (known.retryable and _final(status)):
        return known
    if status in (None, 400, 422) and _LONG_CONTEXT.search(text):
        return TOO_LONG
    if status is None:
        return NOT_ACCEPTED if any(name in _REFUSED for name in names) else TROUBLE
    return _BY_STATUS.get(status, TROUBLE if status >= 500 else _not_accepted(param))


def _final(status: int | None) -> bool:
    return status is not None and 400 <= status < 500 and status not in (408, 409, 429)


def _not_accepted(param: str | None) -> Kind:
    if param is None or not re.fullmatch(r"[a-z_]{1,40}", str(param)):
        return NOT_ACCEPTED
    return Kind(f"The model does not accept the setting '{param}' as it is. Please ask an admin to change it.")


def _inner_code(error: openai.APIError) -> str | None:
    """Azure's reason: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter."""
    inner = error.body.get("innererror") if isinstance(error.body, Mapping) else None
    return str(inner.get("code")) if isinstance(inner, Mapping) else None


def _detail(error: openai.APIError, status: int | None) -> str:
    request_id = getattr(error, "request_id", None)
    parts = {"status": status, "code": error.code, "type": error.type, "param": error.param, "request": request_id}
    known = " ".join(f"{name}={value}" for name, value in parts.items() if value is not None)
    text = _clean(words(error), error.request.headers)
    return f"{known}: {text}" if text else known


def _clean(text: str, headers: Mapping[str, str] | None = None) -> str:
    """The server's words without keys."""
    for name in ("authorization", "api-key"):
        secret = (headers or {}).get(name, "").removeprefix("Bearer ")
        if len(secret) >= 8:
            text = text.replace(secret, "[key]")
    return _KEY.sub("[key]", text)[:300]


def words(error: openai.APIError) -> str:
    """What the server says is wrong, up to where it repeats what was sent.

    Empty for pages that are no JSON. The SDK's own message leaves out everything but OpenAI's form of an error.
    """
    body = error.body
    said = body.get("message") if isinstance(body, Mapping) else body
    text = said if isinstance(said, str) else repr(body) if body else ""
    return "" if text.lstrip().startswith("<") else _without_echo(text)


def _without_echo(text: str) -> str:
    """Servers that validate with pydantic repeat what was sent, and so does llama.cpp."""
    return _ECHO.sub("…", text)


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
