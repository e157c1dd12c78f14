"""The queue between the two processes: its name, the actor's name, and the broker as both sides set it up."""

from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from redis import Redis

QUEUE = "predict"
ACTOR = "judge"
_LIST = f"dramatiq:{QUEUE}"
"""Ids of the messages that no worker has fetched; their texts are in the hash of the next name."""
_TEXTS = f"dramatiq:{QUEUE}.msgs"


def broker(client: Redis) -> RedisBroker:
    """A broker that notices a dead worker after five seconds.

    With dramatiq's defaults the jobs of a killed worker came back after one to fifty minutes, because dead workers are
    looked for by chance (one command in a thousand) and only after a minute; looking on every command costs nothing
    at our rates. The middleware is the caller's.
    """
    return RedisBroker(client=client, middleware=[], heartbeat_timeout=5000, maintenance_chance=1_000_000)


def message(job_id: str) -> Message[None]:
    """Asks a worker to judge the job."""
    return Message(queue_name=QUEUE, actor_name=ACTOR, args=(job_id,), kwargs={}, options={})


def waiting(client: Redis) -> tuple[str, ...]:
    """Ids of the jobs which wait for a worker, the next one first."""
    ids: list[bytes] = client.lrange(_LIST, 0, -1)  # type: ignore[assignment]
    texts: list[bytes | None] = client.hmget(_TEXTS, ids) if ids else []  # type: ignore[assignment]
    return tuple(str(Message.decode(text).args[0]) for text in texts if text is not None)
