"""Health check of the worker's container: exits 0 when this host's worker has lately told Redis that it is up."""

import socket
import sys

from redis.exceptions import RedisError

from metagauge.service import keys
from metagauge.service.connection import connect
from metagauge.service.settings import Settings


def main() -> int:
    """Looks for the key that `worker.leases` renews; its name begins with the host's."""
    try:
        found = connect(Settings(), patience=1).scan_iter(match=keys.worker(f"{socket.gethostname()}-*"))
        if any(True for _ in found):
            return 0
    except RedisError as error:
        sys.stderr.write(f"Redis does not answer: {error}\n")
        return 1
    sys.stderr.write("the worker of this host is not up\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
