"""multipart/form-data as a stream of events: nothing is kept but the headers of the part at hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from metagauge.errors import RequestInvalidError


@dataclass(frozen=True, slots=True, kw_only=True)
class PartBegin:
    """A part starts: the form field's name, and the file's name if it has one."""

    name: str
    filename: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartData:
    """The next bytes of the part."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEnd:
    """The part is complete."""


Event = PartBegin | PartData | PartEnd


@dataclass(slots=True)
class _Events:
    """Callbacks of the parser; they only note what happened."""

    noted: list[Event] = field(default_factory=list)
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    disposition: bytes = b""
    complete: bool = False

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self.header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]

    def on_header_end(self) -> None:
        if self.header.lower() == b"content-disposition":
            self.disposition = bytes(self.value)
        self.header.clear()
        self.value.clear()

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self.disposition)
        name, filename = options.get(b"name"), options.get(b"filename")
        if name is None:
            raise RequestInvalidError("a part of the multipart body has no name; call the checkpoint's part `file`")
        self.disposition = b""
        given = None if filename is None else filename.decode("utf-8", "replace")
        self.noted.append(PartBegin(name=name.decode("utf-8", "replace"), filename=given))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.noted.append(PartData(data=data[start:end]))

    def on_part_end(self) -> None:
        self.noted.append(PartEnd())

    def on_end(self) -> None:
        self.complete = True


async def events(request: Request) -> AsyncIterator[Event]:
    """What happens in the body of a multipart request, as it arrives.

    Raises:
        RequestInvalidError: the body breaks the rules of multipart, or ends early.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise RequestInvalidError("the multipart content type names no boundary; let the HTTP library write the header")
    noted = _Events()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_header_field": noted.on_header_field,
                "on_header_value": noted.on_header_value,
                "on_header_end": noted.on_header_end,
                "on_headers_finished": noted.on_headers_finished,
                "on_part_data": noted.on_part_data,
                "on_part_end": noted.on_part_end,
                "on_end": noted.on_end,
            },
        )
        async for chunk in request.stream():
            parser.write(chunk)
            happened, noted.noted = noted.noted, []
            for event in happened:
                yield event
    except FormParserError as error:
        raise RequestInvalidError(f"the body is not valid multipart: {error}") from error
    if not noted.complete:
        raise RequestInvalidError("the multipart body ends before its last boundary; was the upload cut off?")
