"""Asynchronous stories, told in a thread of their own: a browser under test has an event loop in the main one."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def run(story: Coroutine[Any, Any, Any]) -> Any:
    """What the story returns; what it raises is raised."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, story).result()
