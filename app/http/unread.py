"""The rest of a body that was refused: read and thrown away, so that its sender lives to read the answer.

Most clients write a whole request before they look for an answer. When the server closes the connection on what it did
not read, they report a broken pipe, and never the problem that says what was wrong.
"""

import time
from functools import partial
from typing import IO, Final

from flask import Flask, Response, request

# Beyond these a sender is not one that misunderstood: bytes, and seconds.
MOST_BYTES: Final = 100_000_000
MOST_SECONDS: Final = 20.0

_PIECE: Final = 256 * 1024


def register(app: Flask) -> None:
    """Read on after every refusal."""
    app.after_request(_read_on)


def _read_on(response: Response) -> Response:
    # Who asks with Expect waits for the answer and sends nothing after a refusal.
    if response.status_code >= 400 and "Expect" not in request.headers and "wsgi.input_terminated" in request.environ:
        response.call_on_close(partial(discard, request.environ["wsgi.input"]))
    return response


def discard(body: IO[bytes]) -> None:
    """Read what is left of a body, within bounds."""
    left, deadline = MOST_BYTES, time.monotonic() + MOST_SECONDS
    while left > 0 and time.monotonic() < deadline:
        piece = body.read(min(_PIECE, left))
        if not piece:
            return
        left -= len(piece)
