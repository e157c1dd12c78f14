"""The API: routes, middleware and the life of their parts, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from app import health, jobs, predict, predictors, problems, web_page
from app.body_limit import BodyLimit
from app.metrics import Measured, Metrics
from app.service import running
from app.upload import FORM_BYTES
from metagauge.service.settings import Settings

DESCRIPTION = """Judges a neural network from its weights. Upload a checkpoint (safetensors or ONNX) to `POST /predict`,
follow the job, read the report. Refusals are RFC 9457 problem documents with a stable `code`."""


def create(settings: Settings) -> FastAPI:
    """The application; it connects to nothing before it is started."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, metrics) as service:
            app.state.service = service
            yield

    app = FastAPIOffline(title="Metagauge", version="0.1.0", description=DESCRIPTION, lifespan=lifespan)
    problems.install(app)
    for module in (predict, jobs, predictors, health):
        app.include_router(module.router)
    web_page.mount(app)
    largest = settings.sidecar_bytes + settings.batch_files * (settings.upload_bytes + FORM_BYTES)
    app.add_middleware(BodyLimit, limit_bytes=largest)
    app.add_middleware(Measured, metrics=metrics)
    return app
