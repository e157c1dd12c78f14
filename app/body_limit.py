"""ASGI middleware between the socket and the routes: no body beyond the limit, and no answer into a client's face."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.problems import answer, failure_of, problem_of
from metagauge.errors import LimitExceededError

DRAIN_BYTES = 16 * 1024**2
DRAIN_S = 5.0


class BodyLimit:
    """Refuses bodies above `limit_bytes`, by their declared length where there is one, by counting otherwise.

    A refusal usually comes while the client still sends, and many clients read no answer before they have sent all:
    closing the connection then resets it, and the refusal is lost. So a bounded rest is read and thrown away first.
    """

    def __init__(self, app: ASGIApp, *, limit_bytes: int) -> None:
        self._app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._limit)
        headers = dict(scope["headers"])
        waits_for_leave = headers.get(b"expect", b"").lower() == b"100-continue"

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start" and not body.begun and waits_for_leave:
                await send(message)  # such a client has sent nothing yet, and will not
                return
            if message["type"] == "http.response.start" and message["status"] >= 400:
                await body.drain()
                if not body.complete:
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._limit:
            error = LimitExceededError(f"the request has {int(declared)} bytes; the limit is {self._limit} bytes")
            await answer(problem_of(failure_of(error)))(scope, receive, answering)
            return
        await self._app(scope, body.receive, answering)


class _Body:
    def __init__(self, receive: Receive, limit: int) -> None:
        self.begun = False
        self._receive = receive
        self._limit = limit
        self._seen = 0
        self.complete = False

    async def receive(self) -> Message:
        message = await self._next()
        if message["type"] == "http.request" and self._seen > self._limit:
            raise LimitExceededError(f"the request is larger than the limit of {self._limit} bytes")
        return message

    async def drain(self) -> None:
        top = self._seen + DRAIN_BYTES
        try:
            async with asyncio.timeout(DRAIN_S):
                while not self.complete and self._seen < top:
                    await self._next()
        except TimeoutError:
            return

    async def _next(self) -> Message:
        self.begun = True
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
        else:
            self.complete = True
        return message
