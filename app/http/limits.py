"""How much one person, or one network address, may send. Counted in Valkey, which may be lost: then nobody is refused.

A resident must never lose a report because a counter is down, so these limits fail open. Codes and passwords are
counted in PostgreSQL instead (`identity`), and fail closed.
"""

import hashlib
import math
import time
from dataclasses import dataclass
from typing import Final

import structlog
from limits import RateLimitItem, RateLimitItemPerHour
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from prometheus_client import Counter
from redis.exceptions import RedisError

from app.core.errors import TooMany

log = structlog.get_logger("limits")

FAILED_OPEN: Final = Counter("haigio_limits_failed_open_total", "Limits not counted because the queue server was down")


@dataclass(frozen=True)
class Limit:
    """A number an hour for one person, and for everybody behind one address (a market, an office, a carrier)."""

    name: str
    person: RateLimitItem
    address: RateLimitItem


# An eager resident sends ten reports on a walk; a hundred people may share one address.
REPORTS: Final = Limit("report", RateLimitItemPerHour(60), RateLimitItemPerHour(2000))
PHOTOS: Final = Limit("photo", RateLimitItemPerHour(600), RateLimitItemPerHour(10_000))


class Limits:
    """The counters of one service."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._limiter: SlidingWindowCounterRateLimiter | None = None

    def spend(self, limit: Limit, person: object, address: str) -> None:
        """Count one of `limit` for a person and an address.

        Raises TooMany when either has had its number within the last hour.
        """
        # An address is personal data: the counters know it as a digest.
        tag = hashlib.sha256(address.encode()).hexdigest()[:24]
        for item, who in ((limit.person, f"person:{person}"), (limit.address, f"address:{tag}")):
            try:
                self._spend(item, limit.name, who)
            except (RedisError, StorageError, OSError) as error:
                FAILED_OPEN.inc()
                log.warning("limits_fail_open", error=type(error).__name__)
                return

    def _spend(self, item: RateLimitItem, name: str, who: str) -> None:
        limiter = self._connected()
        if not limiter.hit(item, name, who):
            # The window's end is a wall-clock figure of the storage's own.
            wait = limiter.get_window_stats(item, name, who).reset_time - time.time()  # noqa: TID251
            raise TooMany(retry_after_s=max(1, math.ceil(wait)))

    def _connected(self) -> SlidingWindowCounterRateLimiter:
        if self._limiter is None:
            url = self._url.replace("unix://", "redis+unix://", 1)
            storage = RedisStorage(url, socket_timeout=0.25, socket_connect_timeout=0.25, wrap_exceptions=True)
            self._limiter = SlidingWindowCounterRateLimiter(storage)
        return self._limiter
