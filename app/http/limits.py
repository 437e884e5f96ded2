"""How much one person, or one network address, may send. Counted in Valkey, which may be lost: then nobody is refused.

A resident must never lose a report because a counter is down, so these limits fail open. Codes and passwords are
counted in PostgreSQL instead (`identity`), and fail closed.
"""

import hmac
import math
from dataclasses import dataclass
from time import monotonic
from typing import Final, cast

import structlog
from prometheus_client import Counter
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from app.core.errors import TooMany
from app.identity import addresses

log = structlog.get_logger("limits")

# An outage is told once a minute, not once a request; the counter counts every one.
TELL_EVERY_S: Final = 60.0

FAILED_OPEN: Final = Counter("haigio_limits_failed_open_total", "Limits not counted because the queue server was down")

# Counts one for each of KEYS, or, when one of them has had its number (ARGV) within the last hour, none at all; returns
# the seconds until there is room again, 0 when it counted. Of the clock's hour before this one, the part that is less
# than an hour ago counts, as if it had been even: two numbers a counter instead of a list of instants.
_COUNT: Final = """
local time = redis.call('time')
local second = time[1] % 3600
local hour = (time[1] - second) / 3600
for i, key in ipairs(KEYS) do
    local most = tonumber(ARGV[i])
    local before = tonumber(redis.call('get', key .. ':' .. (hour - 1)) or 0)
    local now = tonumber(redis.call('get', key .. ':' .. hour) or 0)
    if before * (3600 - second) / 3600 + now > most - 1 then
        local wait = 3600 - second
        if now > most - 1 then
            wait = wait + 3600 * (1 - (most - 1) / now)
        else
            wait = wait - 3600 * (most - 1 - now) / before
        end
        return math.max(1, math.ceil(wait))
    end
end
for _, key in ipairs(KEYS) do
    redis.call('incr', key .. ':' .. hour)
    redis.call('expire', key .. ':' .. hour, 7200)
end
return 0
"""


@dataclass(frozen=True)
class Limit:
    """A number an hour for one person, and for everybody behind one address (a market, an office, a carrier)."""

    name: str
    person: int
    address: int


# An eager resident sends ten reports on a walk; a hundred people may share one address.
REPORTS: Final = Limit("report", person=60, address=2000)
PHOTOS: Final = Limit("photo", person=600, address=10_000)
# A bundle may read a hundred megabytes and more; nobody needs one every minute.
EVIDENCE: Final = Limit("evidence", person=20, address=200)
# A phone or browser says where to ring when it is signed in on, and when its address has changed.
DEVICES: Final = Limit("device", person=20, address=2000)


class Limits:
    """The counters of one service, in one round trip; `key` makes the tags under which they know people."""

    def __init__(self, url: str, key: bytes) -> None:
        self._key = key
        # Nobody waits for a counter: one try more, for a connection that the server has closed meanwhile.
        valkey = Redis.from_url(url, socket_timeout=0.25, socket_connect_timeout=0.25, retry=Retry(NoBackoff(), 1))
        self._count = valkey.register_script(_COUNT)
        self._told = -math.inf

    def spend(self, limit: Limit, person: object, address: str) -> None:
        """Count one of `limit` for a person and an address.

        Raises TooMany when either has had its number within the last hour; then it is counted for neither.
        """
        # Valkey's file keeps the order of what was counted and of the jobs of the reports that followed: a name or an
        # address in it would tell who sent an anonymous one.
        who = hmac.digest(self._key, str(person).encode(), "sha256").hex()[:32]
        where = addresses.tag(self._key, address).hex()
        counters = [f"limit:{limit.name}:person:{who}", f"limit:{limit.name}:address:{where}"]
        try:
            wait = cast("int", self._count(counters, [limit.person, limit.address]))
        except (RedisError, OSError) as error:
            FAILED_OPEN.inc()
            if monotonic() - self._told > TELL_EVERY_S:
                self._told = monotonic()
                log.warning("limits_fail_open", error=type(error).__name__)
            return
        if wait:
            raise TooMany(retry_after_s=wait)
