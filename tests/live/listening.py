"""Whoever listens to a stream, in a thread of its own, and what they heard."""

import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class Listener:
    """A stream that was opened at `address`. `heard` are (event, id, data); `ended` is set when it is over."""

    address: str
    last: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    heard: list[tuple[str, str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._http = httpx.Client(timeout=httpx.Timeout(5, read=60))
        headers = self.headers | ({"Last-Event-ID": self.last} if self.last else {})
        request = self._http.build_request("GET", self.address, headers=headers)
        self.response = self._http.send(request, stream=True)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        said: dict[str, str] = {}
        with suppress(httpx.HTTPError, httpx.StreamError):
            for line in self.response.iter_lines():
                self.lines.append(line)
                name, _, value = line.partition(": ")
                if name in {"event", "id", "data"}:
                    said[name] = value
                elif not line and said:
                    self.heard.append((said["event"], said.get("id", ""), json.loads(said["data"])))
                    said = {}
        self.ended.set()

    def reports(self) -> list[str]:
        """The reports of the events so far."""
        return [data["report"] for event, _, data in self.heard if event == "case"]

    def hears(self, report_id: str, *, seconds: float = 5) -> tuple[str, str, Any]:
        """The first event about a report, waited for."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for one in tuple(self.heard):
                if one[0] == "case" and one[2]["report"] == report_id:
                    return one
            time.sleep(0.01)
        raise AssertionError(f"{report_id} not heard within {seconds} s, but {self.heard}")

    def close(self) -> None:
        """Hang up, as a browser does that is closed."""
        line = self.response.extensions["network_stream"].get_extra_info("socket")
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self.response.close()
        self._http.close()
