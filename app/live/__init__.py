"""What an open desk hears: news of cases as they happen, from a small asynchronous process of its own.

`granian --interface asgi app.live:app`. See ADR 8.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    """The application as `app`, made of the environment's settings when a server asks for it."""
    if name != "app":
        raise AttributeError(name)
    from app.config import read_settings  # noqa: PLC0415 -- who only reads the rules needs no environment
    from app.live.stream import Live  # noqa: PLC0415

    return Live(read_settings())
