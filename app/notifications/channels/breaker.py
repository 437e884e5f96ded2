"""When a destination that does not answer is left alone: a dead one must not cost each message its time limit.

Three failures in a row open the breaker, for 15 seconds; then one message may try. As long as that fails too, each
pause is twice the last one, up to a minute. One success closes it. Pure: seconds of a monotonic clock are an
argument. What is known is known to one process; each worker finds out for itself.
"""

from dataclasses import dataclass, field
from typing import Final

FAILURES: Final = 3
FIRST_PAUSE_S: Final = 15.0
# A one-time code is good for five minutes, and is asked for anew after one.
LONGEST_PAUSE_S: Final = 60.0

# Destinations that failed lately. People name addresses, so their number must have a bound.
MOST_KNOWN: Final = 1_000


@dataclass
class Breaker:
    """What is known of one destination. `now` is in seconds of a monotonic clock."""

    failures: int = 0
    closed_again: float = 0.0

    def lets_through(self, now: float) -> bool:
        """Whether a message may try. After a pause it is one; the next must wait for how that one fares."""
        if self.failures < FAILURES:
            return True
        if now < self.closed_again:
            return False
        self.closed_again = now + self._pause_s
        return True

    def failed(self, now: float) -> None:
        """It did not answer, answered that it cannot, or too slowly."""
        self.failures += 1
        self.closed_again = now + self._pause_s

    @property
    def _pause_s(self) -> float:
        doublings = min(max(self.failures - FAILURES, 0), 10)
        return min(FIRST_PAUSE_S * 2.0**doublings, LONGEST_PAUSE_S)


@dataclass
class Breakers:
    """One breaker for each destination; those that work are not remembered."""

    _known: dict[str, Breaker] = field(default_factory=dict)

    def lets_through(self, destination: str, now: float) -> bool:
        """Whether a message may try this destination."""
        known = self._known.get(destination)
        return known is None or known.lets_through(now)

    def succeeded(self, destination: str) -> None:
        """It answered, be it with a refusal."""
        self._known.pop(destination, None)

    def failed(self, destination: str, now: float) -> None:
        """It did not answer, or answered that it cannot."""
        if destination not in self._known and len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known.setdefault(destination, Breaker()).failed(now)
