"""How soon a connection to the database that fell silent counts as broken.

A machine that loses its power, or its network, says no farewell: the kernel would wait for it for hours, and whoever
reads from such a connection with it. A server that only thinks long still answers the kernel's questions.
"""

from typing import Any, Final

# Ten seconds of silence, then three questions 5 s apart; what was sent and is not confirmed within 10 s (in ms) ends the
# connection sooner. Parameters of libpq; over a Unix socket they mean nothing.
KEEPALIVE: Final[dict[str, Any]] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
