"""The parts of a running API, built at its start and handed to the routes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from anyio import create_task_group
from fastapi import Depends, Request
from redis.asyncio import Redis

from app.catalog import Catalog
from app.feed import Feed
from app.metrics import Metrics
from app.store import JobStore
from app.submit import Submitter
from metagauge.service import queue
from metagauge.service.blobs import BlobStore
from metagauge.service.connection import connect, connect_async
from metagauge.service.settings import Settings

PATIENCE = 4
"""Times a lost command is repeated before a request is answered `service_unavailable`; about a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What routes work with."""

    settings: Settings
    blobs: BlobStore
    catalog: Catalog
    store: JobStore
    submitter: Submitter
    feed: Feed
    metrics: Metrics


@asynccontextmanager
async def running(settings: Settings, metrics: Metrics) -> AsyncIterator[Service]:
    """A service; its connections end with the block."""
    redis: Redis = connect_async(settings, patience=PATIENCE)
    blocking = connect(settings, patience=PATIENCE)
    store = JobStore(redis, settings)
    feed = Feed(redis, store)
    async with AsyncExitStack() as ends:
        ends.push_async_callback(redis.aclose)
        ends.callback(blocking.close)
        background = await ends.enter_async_context(create_task_group())
        ends.callback(background.cancel_scope.cancel)
        background.start_soon(feed.run)
        yield Service(
            settings=settings,
            blobs=BlobStore(settings.blobs),
            catalog=Catalog(settings.pretrained_dir, settings.predictor),
            store=store,
            submitter=Submitter(store, queue.broker(blocking)),
            feed=feed,
            metrics=metrics,
        )


def _of_request(request: Request) -> Service:
    return request.app.state.service


Serving = Annotated[Service, Depends(_of_request)]
"""A route's parameter of this type is the running service."""
