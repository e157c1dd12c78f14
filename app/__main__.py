"""The API process: `python -m app`."""

import uvicorn

from app.main import create
from metagauge.service.settings import Settings

SHUTDOWN_S = 5


def main() -> None:
    """Serves until it is told to stop."""
    settings = Settings()
    uvicorn.run(
        create(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


if __name__ == "__main__":
    main()
