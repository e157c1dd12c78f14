"""Health check of the API's container: exits 0 when the API says that it is ready."""

import sys
from urllib.error import URLError
from urllib.request import urlopen

from metagauge.service.settings import Settings

TIMEOUT_S = 4


def main() -> int:
    """Asks this machine's API; whatever address it listens on, the loopback is among them or is it."""
    settings = Settings()
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    try:
        with urlopen(f"http://{host}:{settings.port}/readyz", timeout=TIMEOUT_S) as answer:
            return 0 if answer.status == 200 else 1
    except (URLError, TimeoutError) as error:
        sys.stderr.write(f"not ready: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
