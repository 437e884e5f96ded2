"""A connection to somebody outside that ends in time, whatever the other side does, and only leads where it may.

Time limits of sockets hold for one read, so that a peer which sends a byte a second can keep a worker for ever. Here a
timer cuts the connection itself at the end of its time: it holds for HTTP, SMTP and TLS alike, in whatever library
reads from it. Names are looked up in a thread of their own, as the system's resolver knows no limit that we could set.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from time import monotonic
from typing import Final

from app.notifications.channels import Refused, Unreachable

# Below the 20 s that a job may take (workers/queues.py), with room for what it does before and after.
TOTAL_S: Final = 8.0
CONNECT_S: Final = 3.0

# Of IPv6 only what is given out for the open internet, without what carries an IPv4 address in it: 6to4 and Teredo.
_GIVEN_OUT: Final = ip_network("2000::/3")
_CARRIERS: Final = (ip_network("2002::/16"), ip_network("2001::/32"))

Resolve = Callable[[str, int], list[str]]


def is_public(address: str) -> bool:
    """Whether an IP address lies in the open internet, and not in a network of ours or on this machine."""
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.version == 6 and (ip not in _GIVEN_OUT or any(ip in network for network in _CARRIERS)):
        return False
    return ip.is_global and not ip.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a name, in the system's order. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True)
class Way:
    """How connections are made. `public_only` refuses to go to networks of ours: for addresses that others named."""

    public_only: bool = False
    total_s: float = TOTAL_S
    resolve: Resolve = resolve

    @contextmanager
    def open(self, host: str, port: int, *, tls: bool) -> Iterator[socket.socket]:
        """A connection to the host, with TLS if asked for, that is cut after `total_s` seconds.

        It leads to the very address that was found to be public, so that a name which changes its mind gains nothing.

        Raises:
            Refused: the name leads to no public address.
            Unreachable: nobody answers, or the time is over, also when that happens to whoever uses the connection.
        """
        end = monotonic() + self.total_s
        try:
            plain = self._connect(host, port, end)
            with plain, _cut_at(end, plain) as cut:
                try:
                    with _secured(plain, host) if tls else nullcontext(plain) as ready:
                        yield ready
                finally:
                    if cut.is_set():  # what the library on top makes of it, even "the whole answer", is not so
                        raise Unreachable(f"no answer within {self.total_s:g} s")
        except OSError as error:
            raise Unreachable(f"{type(error).__name__}: {error.strerror or 'no answer'}") from error

    def _connect(self, host: str, port: int, end: float) -> socket.socket:
        addresses = _in_time(lambda: self.resolve(host, port), end)
        if self.public_only:
            addresses = [address for address in addresses if is_public(address)]
            if not addresses:
                raise Refused("the address leads into a network that is not public")
        failure: OSError = TimeoutError()
        for address in addresses:
            left = end - monotonic()
            if left <= 0:
                break
            try:
                connected = socket.create_connection((address, port), timeout=min(CONNECT_S, left))
            except OSError as error:
                failure = error
            else:
                connected.settimeout(max(end - monotonic(), 0.001))
                return connected
        raise failure


def _secured(plain: socket.socket, host: str) -> socket.socket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


@contextmanager
def _cut_at(end: float, connected: socket.socket) -> Iterator[threading.Event]:
    """Cut the connection at `end`. The timer holds a copy of the handle: TLS takes the first one over."""
    cut, copy = threading.Event(), connected.dup()

    def now() -> None:
        cut.set()
        with suppress(OSError):  # the other side was quicker
            copy.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(end - monotonic(), 0), now)
    timer.daemon = True
    timer.start()
    try:
        yield cut
    finally:
        timer.cancel()
        timer.join()  # so that it never cuts a connection that has the same number later
        copy.close()


def _in_time(look_up: Callable[[], list[str]], end: float) -> list[str]:
    """What `look_up` finds, unless that takes too long; then the thread is left to itself."""
    found: Future[list[str]] = Future()

    def run() -> None:
        try:
            found.set_result(look_up())
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that is empty or too long
            found.set_exception(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=run, daemon=True).start()
    return found.result(max(end - monotonic(), 0))
