"""How a serving process logs: lines of JSON in production, lines for people in development."""

import logging

import structlog


def configure(*, for_people: bool) -> None:
    """Set up structured logs for this process, on standard output."""
    renderer = structlog.dev.ConsoleRenderer(colors=False) if for_people else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
