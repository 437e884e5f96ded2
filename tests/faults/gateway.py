"""A gateway for texts: takes them, and keeps some numbers waiting for a minute or for ever."""

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# A number that ends so is answered after a minute, or never: the connection stays open and nothing comes.
SLOW, NEVER = "77", "99"


@dataclass
class Gateway:
    """What came, by the key of the text: each time the number and the words, and when."""

    came: dict[str, list[tuple[str, str, float]]] = field(default_factory=lambda: defaultdict(list))
    held: int = 0

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/sms"

    def texts(self, key: str) -> list[tuple[str, str, float]]:
        with self._lock:
            return list(self.came.get(key, ()))

    def keep_nobody_waiting(self) -> None:
        """From now on answer all at once."""
        self._over.set()

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(gateway: "Gateway") -> type[BaseHTTPRequestHandler]:  # noqa: N805 -- `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if said["to"].endswith((SLOW, NEVER)) and not gateway._over.is_set():
                    with gateway._lock:
                        gateway.held += 1
                    if gateway._over.wait(60 if said["to"].endswith(SLOW) else None):
                        return
                with gateway._lock:
                    gateway.came[self.headers["Idempotency-Key"]].append((said["to"], said["text"], time.monotonic()))
                try:
                    self.send_response(202)
                    self.end_headers()
                except OSError:
                    pass  # whoever asked has gone

            def log_message(self, *_: object) -> None: ...

        return Handler
