"""Resumable uploads measured: what 4 MB cost the server, and what two hundred slow phones do to everybody else.

    bench/run uploads [--rounds 40] [--clients 200]

Beside the first, in turn: nginx writing the same body to a file (its WebDAV module, one worker). It is the CPU of the web
processes that is compared; the database's stands beside it. Wanted: at most 3 times nginx.

For the second each of the phones sends a megabyte at 20 kB a second, all at once, to a web with the threads that ./run
gives it; meanwhile a report is read again and again. Wanted: the 95th percentile at most doubled, and under 64 kB of the
server's memory for each phone.
"""

import argparse
import base64
import hashlib
import os
import random
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from app.core.db import new_id
from bench.running import SPOTS, cpu_seconds, database, postmaster, sign_in, told, web
from stack.run import WEB_THREADS

BYTES = 4_000_000
SLOW_BYTES, A_SECOND = 1_000_000, 20_000
TUS = {"Tus-Resumable": "1.0.0"}
NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log; user {user};
events {{ worker_connections 64; }}
http {{
    access_log off; client_max_body_size 0; client_body_temp_path {folder}/body; proxy_temp_path {folder}/p;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{ listen 127.0.0.1:{port}; root {folder}/kept; location / {{ dav_methods PUT; }} }}
}}
"""


def photo(seed: int, size: int = BYTES) -> bytes:
    """Bytes that begin as a JPEG does; no request looks further."""
    return b"\xff\xd8\xff\xe0" + random.Random(seed).randbytes(size - 4)


@contextmanager
def nginx() -> Iterator[tuple[str, int] | None]:
    """An nginx that writes what is PUT to a file: its address and process id. None where there is no nginx."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        for name in ("kept", "body"):
            Path(folder, name).mkdir()
        user = "root" if os.geteuid() == 0 else "nobody"
        Path(folder, "conf").write_text(NGINX.format(folder=folder, port=port, user=user))
        with subprocess.Popen([program, "-c", f"{folder}/conf"], stderr=subprocess.DEVNULL) as process:
            time.sleep(1)
            yield f"http://127.0.0.1:{port}", process.pid
            process.terminate()


class Sender:
    """A signed-in resident who begins uploads."""

    def __init__(self, address: str, environment: dict[str, str]) -> None:
        self.address, self._environment = address, environment
        self._room, self._report = 0, ""
        self.http = httpx.Client(base_url=f"{address}/api/v1", timeout=60)
        self._sign_in()

    def _sign_in(self) -> None:
        self.headers = {"Authorization": f"Bearer {sign_in(self.address, self._environment)}", **TUS}
        self._reports = 0

    def report(self) -> str:
        """A new report, of which its sender has not had too many."""
        if self._reports >= 40:
            self._sign_in()
        self._reports += 1
        lat, lon = SPOTS[self._reports]
        body = {"id": str(new_id()), "kind": "SW01", "location": {"lat": lat, "lon": lon}}
        self.http.post("/reports", json=body, headers=self.headers).raise_for_status()
        return body["id"]

    def begin(self, content: bytes) -> str:
        """The path of a new upload of `content`."""
        if self._room == 0:
            self._report, self._room = self.report(), 10
        self._room -= 1
        pairs = {"report": self._report, "role": "before", "sha256": hashlib.sha256(content).hexdigest()}
        said = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())
        headers = self.headers | {"Upload-Length": str(len(content)), "Upload-Metadata": said}
        return self.http.post("/uploads", headers=headers).raise_for_status().headers["Location"]

    def patch(self, path: str, content: bytes) -> None:
        """Send all of it at once."""
        headers = self.headers | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        self.http.patch(self.address + path, content=content, headers=headers).raise_for_status()


def cost(rounds: int, environment: dict[str, str]) -> None:
    """CPU of one PATCH of 4 MB, and of nginx taking the same."""
    with web(environment) as (address, pid), nginx() as floor, httpx.Client(timeout=60) as plain:
        sender, behind = Sender(address, environment), postmaster(environment["HAIGIO_DATABASE_URL"])
        contents = [photo(n) for n in range(rounds + 2)]
        begun = [sender.begin(content) for content in contents]
        spent: dict[str, float] = {"tus": 0.0, "database": 0.0, "nginx": 0.0}
        for turn, (path, content) in enumerate(zip(begun, contents, strict=True)):
            before = cpu_seconds(pid), cpu_seconds(behind), cpu_seconds(floor[1]) if floor else 0.0
            sender.patch(path, content)
            if floor:
                plain.put(f"{floor[0]}/{turn}", content=content).raise_for_status()
            after = cpu_seconds(pid), cpu_seconds(behind), cpu_seconds(floor[1]) if floor else 0.0
            if turn >= 2:  # warm
                for name, old, new in zip(spent, before, after, strict=True):
                    spent[name] += new - old
    each = {name: seconds / rounds * 1000 for name, seconds in spent.items()}
    if floor is None:
        print(f"nginx is not here: that ratio is left out; a PATCH of 4 MB costs {each['tus']:.1f} ms CPU")
        return
    told(
        "uploads: CPU of a PATCH of 4 MB against nginx writing it to a file",
        each["tus"] / each["nginx"],
        "at most 3",
        tus_ms=round(each["tus"], 1),
        nginx_ms=round(each["nginx"], 1),
        database_ms=round(each["database"], 1),
        rounds=rounds,
    )


def memory_kb(root_pid: int) -> int:
    """What a process and those that it started hold of memory, shared pages by their part."""
    pids = subprocess.run(["pgrep", "-P", str(root_pid)], capture_output=True, text=True, check=False).stdout.split()
    total = 0
    for pid in (str(root_pid), *pids):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(rollup.split("Pss:")[1].split()[0])
    return total


def slowly(sender: Sender, clients: int, over: threading.Event) -> None:
    """So many connections, each with a megabyte at 20 kB a second, from one thread."""
    host = urlsplit(sender.address)
    piece = A_SECOND // 10
    lines = []
    for n in range(clients):
        content = photo(10_000 + n, SLOW_BYTES)
        path = sender.begin(content)
        line = socket.create_connection((host.hostname, host.port))
        head = f"PATCH {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {SLOW_BYTES}\r\nUpload-Offset: 0\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in sender.headers.items())
        line.sendall(f"{head}Content-Type: application/offset+octet-stream\r\n\r\n".encode())
        lines.append([line, content, 0])
    while not over.is_set() and lines:
        began = time.monotonic()
        for one in list(lines):
            line, content, at = one
            line.sendall(content[at : at + piece])
            one[2] = at + piece
            if one[2] >= SLOW_BYTES:
                lines.remove(one)
        time.sleep(max(0.0, 0.1 - (time.monotonic() - began)))


def p95_ms(sender: Sender, path: str, number: int) -> float:
    """How long a report takes to be read, one after the other: the 95th percentile, in milliseconds."""
    took = []
    for _ in range(number):
        began = time.perf_counter()
        sender.http.get(path, headers=sender.headers).raise_for_status()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.quantiles(took, n=20)[18]


def crowd(clients: int, environment: dict[str, str]) -> None:
    """What two hundred slow phones do to everybody else."""
    with web(environment, threads=WEB_THREADS) as (address, pid):
        reader, sender = Sender(address, environment), Sender(address, environment)
        path = f"/reports/{reader.report()}"
        p95_ms(reader, path, 300)  # warm
        alone = [p95_ms(reader, path, 300) for _ in range(5)]
        idle = memory_kb(pid)
        over = threading.Event()
        phones = threading.Thread(target=slowly, args=(sender, clients, over))
        phones.start()
        time.sleep(15)
        beside = [p95_ms(reader, path, 300) for _ in range(5)]
        held = (memory_kb(pid) - idle) / clients
        over.set()
        phones.join()
    told(
        f"uploads: p95 of reading a report beside {clients} slow phones",
        statistics.median(beside) / statistics.median(alone),
        "at most 2",
        alone_ms=round(statistics.median(alone), 1),
        beside_ms=round(statistics.median(beside), 1),
    )
    told("uploads: memory of the web for each of them", held, "under 64 kB", unit=" kB")


def main() -> None:
    """Both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--clients", type=int, default=200)
    asked = parser.parse_args()
    with database("haigio_bench_uploads") as environment:
        cost(asked.rounds, environment)
        crowd(asked.clients, environment)


if __name__ == "__main__":
    main()
