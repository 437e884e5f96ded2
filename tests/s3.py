"""A real S3 for the tests: SeaweedFS on this machine, of which parts can be killed."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

KEY, SECRET = "haigio", "only-for-tests"
WEED = str(Path(sys.executable).with_name("weed"))

IDENTITIES = """
{"identities": [{"name": "haigio", "credentials": [{"accessKey": "%s", "secretKey": "%s"}],
                 "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
"""


@dataclass
class S3:
    """An S3 server with one bucket, `photos`."""

    folder: Path
    port: int = 0
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What leads a program to the bucket."""
        return {
            "HAIGIO_PHOTOS": "s3://photos/of-the-city",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def start(self, name: str, verb: str, **options: object) -> None:
        said = [f"-{option.replace('_', '.')}={value}" for option, value in options.items()]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [WEED, "-logtostderr", verb, *said], cwd=self.folder, stdout=log, stderr=log
            )

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait(timeout=20)

    def stop(self) -> None:
        for name in reversed(list(self.running)):
            self.kill(name)

    def wait_for(self, port: int) -> None:
        until = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            logs = {log.name: log.read_text()[-800:] for log in self.folder.glob("*.log")}
            assert time.monotonic() < until, logs
            time.sleep(0.1)


def free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@contextmanager
def s3(folder: Path, *, volumes: int = 1, replication: str = "000") -> Iterator[S3]:
    """SeaweedFS with so many volume servers, each byte on as many more of them as `replication` says (001: one more)."""
    (folder / "s3.json").write_text(IDENTITIES % (KEY, SECRET))
    master, master_grpc, filer, filer_grpc, port, port_grpc, *others = free_ports(6 + 2 * volumes)
    made, here, masters, filers = S3(folder, port), "127.0.0.1", f"127.0.0.1:{master}.{master_grpc}", ""
    filers = f"{here}:{filer}.{filer_grpc}"
    (folder / "filer").mkdir()
    try:
        made.start(
            "master", "master", ip=here, port=master, port_grpc=master_grpc, mdir=folder, telemetry="false",
            defaultReplication=replication, volumeSizeLimitMB=64,
        )  # fmt: skip
        made.wait_for(master)
        for number in range(volumes):
            (folder / f"volume-{number}").mkdir()
            made.start(
                f"volume-{number}", "volume", ip=here, port=others[2 * number], port_grpc=others[2 * number + 1],
                dir=folder / f"volume-{number}", master=masters, max=20, preStopSeconds=0,
            )  # fmt: skip
        for number in range(volumes):
            made.wait_for(others[2 * number])
        made.start(
            "filer", "filer", ip=here, port=filer, port_grpc=filer_grpc, master=masters,
            defaultReplicaPlacement=replication, defaultStoreDir=folder / "filer",
        )  # fmt: skip
        made.wait_for(filer)
        made.start(
            "s3", "s3", ip_bind=here, port=port, port_grpc=port_grpc, filer=filers, config=folder / "s3.json",
            port_iceberg=0, port_lance=0,
        )  # fmt: skip
        made.wait_for(port)
        subprocess.run(
            [WEED, "shell", f"-master={masters}", f"-filer={filers}"],
            input=b"s3.bucket.create -name photos\n", check=True, capture_output=True, timeout=60, cwd=folder,
        )  # fmt: skip
        yield made
    finally:
        made.stop()
