"""PostgreSQL and Valkey of one place, started together: what ./run and ./test have in common."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack import valkey
from stack.cluster import SUPERUSER, Cluster, data_folder, data_version, server_user
from stack.place import Place
from stack.progress import Refusal
from stack.server import find_server
from stack.supervisor import Supervisor


@dataclass(frozen=True)
class Stores:
    """The running stores and how to reach them."""

    cluster: Cluster
    valkey_program: Path
    sockets: Path

    def variables(self) -> dict[str, str]:
        """Return the environment variables that lead to them."""
        return {
            "HAIGIO_DATABASE_URL": self.cluster.url("haigio_app"),
            "HAIGIO_OWNER_DATABASE_URL": self.cluster.url("haigio_owner"),
            "HAIGIO_QUEUE_URL": valkey.url(self.sockets),
        }

    def variables_for_tests(self) -> dict[str, str]:
        """Return the above and what tests need that make databases, or kill servers."""
        return self.variables() | {
            "HAIGIO_SUPERUSER_DATABASE_URL": self.cluster.url(SUPERUSER, "postgres"),
            "HAIGIO_VALKEY_SERVER": str(self.valkey_program),
            "PG_BIN": str(self.cluster.server.folder),
        }


def start_stores(
    place: Place, supervisor: Supervisor, environment: Mapping[str, str] = os.environ, *, throwaway: bool = False
) -> Stores:
    """Start both, making what is missing, and wait until they answer. The place must be locked.

    Raises:
        Refusal: one of them cannot be had or does not start.
    """
    server = find_server(place, environment, _made_by(place))
    user = server_user()  # only now: installing the server may have made the user
    sockets = place.sockets()
    cluster = Cluster(server, place, data_folder(place, user), sockets / "pg", user, throwaway)
    cluster.make()
    stores = Stores(cluster, valkey.find_valkey(place), sockets)
    supervisor.start(cluster.process())
    supervisor.start(valkey.valkey(place, stores.valkey_program, sockets, throwaway=throwaway))
    supervisor.wait_for("postgres", cluster.ready, 120)  # after a crash it first reads its log again
    supervisor.wait_for("valkey", lambda: valkey.answers(sockets), 60)
    cluster.set_up()
    return stores


def _made_by(place: Place) -> int | None:
    """Return the PostgreSQL version of this place's data, None at the first start (as root, even the user is new then)."""
    try:
        return data_version(data_folder(place, server_user()))
    except Refusal:
        return None
