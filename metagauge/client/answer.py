"""From an HTTP answer to a typed message, or to the error it stands for."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from metagauge.contract import Problem
from metagauge.errors import MetagaugeError, UnexpectedAnswerError

Message = TypeVar("Message")


def decode(response: httpx.Response, adapter: TypeAdapter[Message]) -> Message:
    """The message of a successful answer. Fields a newer service may have added are ignored.

    Raises:
        MetagaugeError: the service refused; the class is that of the problem's `code`.
        UnexpectedAnswerError: the answer is not in this contract.
    """
    if not response.is_success:
        raise _refusal(response)
    try:
        return adapter.validate_json(response.content, extra="ignore")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the document"
        message = f"{_what(response)} does not fit the contract at {place}: {first['msg']}"
        raise UnexpectedAnswerError(message) from error


def decode_text(response: httpx.Response) -> str:
    """The text of a successful answer.

    Raises:
        MetagaugeError: the service refused; the class is that of the problem's `code`.
    """
    if not response.is_success:
        raise _refusal(response)
    return response.text


def error_of(problem: Problem) -> MetagaugeError:
    """The error that a problem document stands for; an unknown code is an unexpected answer."""
    kind = _errors_by_code().get(problem.code)
    if kind is None:
        return UnexpectedAnswerError(f"{problem.status} {problem.title} ({problem.code}): {problem.detail}")
    return kind(problem.detail)


def _refusal(response: httpx.Response) -> MetagaugeError:
    try:
        return error_of(Problem.model_validate_json(response.content, extra="ignore"))
    except ValidationError:
        return UnexpectedAnswerError(f"{_what(response)} is no problem document; is this a Metagauge service?")


def _what(response: httpx.Response) -> str:
    kind = response.headers.get("content-type", "no content type")
    return f"the answer {response.status_code} ({kind}) of {response.request.url}"


def _errors_by_code() -> Mapping[str, type[MetagaugeError]]:
    return {kind.code: kind for kind in _descendants(MetagaugeError) if "code" in vars(kind)}


def _descendants(kind: type[MetagaugeError]) -> Iterator[type[MetagaugeError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _descendants(child)
