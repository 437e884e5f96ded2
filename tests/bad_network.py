"""A network that breaks, and a phone that does not give up."""

import base64
import hashlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

# Ten kills of a server that starts again on a busy machine take two minutes.
PATIENCE_S = 240

TUS = {"Tus-Resumable": "1.0.0"}


@dataclass
class Cutter:
    """A proxy that lets through a random number of bytes of each connection and then cuts it, without a goodbye."""

    target: int
    chance: random.Random
    most: int
    port: int = 0
    cuts: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _lines: list[tuple[socket.socket, threading.Thread]] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        while not self._over.is_set():
            with suppress(OSError):
                client, _ = listener.accept()
                line = threading.Thread(target=self._carry, args=(client,), daemon=True)
                self._lines.append((client, line))
                line.start()

    def _carry(self, client: socket.socket) -> None:
        left = [self.chance.randrange(1, self.most)]
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
        except OSError:
            client.close()
            return
        both = (client, server)
        lines = [threading.Thread(target=self._pump, args=(a, b, left), daemon=True) for a, b in (both, both[::-1])]
        for line in lines:
            line.start()
        for line in lines:
            line.join()
        for end in both:
            end.close()

    def _pump(self, source: socket.socket, sink: socket.socket, left: list[int]) -> None:
        with suppress(OSError):
            while piece := source.recv(16_384):
                sink.sendall(piece[: left[0]])
                left[0] -= len(piece)
                if left[0] <= 0:
                    self.cuts += 1
                    break
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._over.set()
        for client, line in self._lines:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            line.join(timeout=20)


@contextmanager
def cutter(target: int, *, seed: int, most: int) -> Iterator[Cutter]:
    """A proxy to a port of this machine, on a port of its own; a connection lives for `most` bytes at most, both ways."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        listener.settimeout(0.2)
        made = Cutter(target, random.Random(seed), most, listener.getsockname()[1])
        serving = threading.Thread(target=made.serve, args=(listener,), daemon=True)
        serving.start()
        yield made
        made.stop()
        serving.join()


def said(**pairs: object) -> str:
    """Metadata as the protocol writes it."""
    return ",".join(f"{name} {base64.b64encode(str(value).encode()).decode()}" for name, value in pairs.items())


@dataclass
class Phone:
    """Sends photos over connections that break, and remembers what was acknowledged."""

    address: str
    headers: dict[str, str]
    acknowledged: dict[str, int] = field(default_factory=dict)
    requests: int = 0

    def send(self, report_id: str, content: bytes, *, piece: int | None = None) -> str:
        """Send until all of it is acknowledged; the upload's id. Asserts that no acknowledged byte was lost."""
        metadata = said(report=report_id, role="before", sha256=hashlib.sha256(content).hexdigest())
        headers = {"Upload-Length": str(len(content)), "Upload-Metadata": metadata}

        def begin(http: httpx.Client) -> str | None:
            begun = http.post(f"{self.address}/uploads", headers=headers)
            if begun.status_code == 503:
                return None
            assert begun.status_code == 201, begun.text
            upload = begun.headers["Location"].rpartition("/")[2]
            self._heard(upload, begun)
            return upload

        upload = self._over_lines(begin)
        self.go_on(upload, content, piece=piece)
        return upload

    def go_on(self, upload: str, content: bytes, *, piece: int | None = None) -> None:
        """Send the rest of an upload, over as many connections as it takes."""
        self._over_lines(lambda http: self._go_on(http, upload, content, piece))

    def _over_lines(self, act: Callable[[httpx.Client], Any]) -> Any:
        """What `act` comes to over one connection after the other, as soon as it comes to anything."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self.requests += 1
            pause_s = 0.02
            try:
                # Plain HTTP: reading the certificates for every line would cost more than all that goes over it.
                with httpx.Client(headers={**TUS, **self.headers}, timeout=10, verify=False) as http:
                    if done := act(http):
                        return done
            except httpx.ConnectError:
                pause_s = 0.3  # nobody is there; whoever starts needs the processor more
            except httpx.TransportError:
                pass
            time.sleep(pause_s)
        raise AssertionError(f"not within {PATIENCE_S} s: {self.acknowledged}")

    def _go_on(self, http: httpx.Client, upload: str, content: bytes, piece: int | None) -> bool:
        stands = http.head(f"{self.address}/uploads/{upload}")
        if stands.status_code == 503:
            time.sleep(0.1)
            return False
        assert stands.status_code == 200, stands.status_code
        offset = self._heard(upload, stands)
        while offset < len(content):
            body = content[offset:] if piece is None else content[offset : offset + piece]
            answer = http.patch(
                f"{self.address}/uploads/{upload}", content=body,
                headers={"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"},
            )  # fmt: skip
            if answer.status_code in {409, 503}:  # what was under way when the line broke arrived after all
                time.sleep(0.05)
                return False
            assert answer.status_code == 204, (answer.status_code, answer.text)
            offset = self._heard(upload, answer)
        return True

    def _heard(self, upload: str, answer: httpx.Response) -> int:
        offset = int(answer.headers["Upload-Offset"])
        assert offset >= self.acknowledged.get(upload, 0), "an acknowledged byte was lost"
        self.acknowledged[upload] = offset
        return offset
