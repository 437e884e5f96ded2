"""Where a phone stood, which one it was and whose: it is in the original, and in nothing that anybody else is given."""

import io
import random

import pillow_heif
import pytest
from PIL import Image, PngImagePlugin

from running_copy import PLACES

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.timeout(180)]

OWNER, SERIAL, MAKER = "Tran Thi Chu May", "SN-7741-9920-XK", "Hang Dien Thoai"
# 10 deg 46' 40.1279" N, 106 deg 41' 59.3461" E: 200 m and more from where the report says it is.
LAT, LON = (10.0, 46.0, 40.1279), (106.0, 41.0, 59.3461)
# What would give it away, as text or as the numbers that a program would write.
TRACES = [OWNER, SERIAL, MAKER, "10.77781", "106.69981", "40.1279", "401279", "GPSLatitude"]
FORMATS = ["JPEG", "PNG", "WEBP", "HEIF"]


def photo(image_format: str) -> bytes:
    """A photo in whose EXIF, XMP and comments all of it stands."""
    picture = Image.frombytes("RGB", (120, 90), random.Random(image_format).randbytes(120 * 90 * 3)).resize((900, 675))
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x013B] = MAKER, MAKER, OWNER
    exif.get_ifd(0x8769).update({0xA430: OWNER, 0xA431: SERIAL, 0x9003: "2026:11:24 08:00:00", 0x927C: SERIAL.encode()})
    exif.get_ifd(0x8825).update({1: "N", 2: LAT, 3: "E", 4: LON})
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:creator>{OWNER} {SERIAL} GPSLatitude</dc:creator></x:xmpmeta>'.encode()
    out = io.BytesIO()
    if image_format == "HEIF":
        heif = pillow_heif.from_pillow(picture)
        heif.info.update({"exif": exif.tobytes(), "xmp": xmp})
        heif.save(out)
    elif image_format == "PNG":
        said = PngImagePlugin.PngInfo()
        said.add_text("Author", f"{OWNER} {SERIAL}")
        said.add_itxt("XML:com.adobe.xmp", xmp.decode())
        picture.save(out, "PNG", exif=exif.tobytes(), pnginfo=said)
    else:
        more = {"comment": f"{OWNER} {SERIAL}".encode()} if image_format == "JPEG" else {}
        picture.save(out, image_format, exif=exif.tobytes(), xmp=xmp, quality=90, **more)
    return out.getvalue()


def traces_in(content: bytes | str) -> list[str]:
    content = content if isinstance(content, bytes) else content.encode()
    return [trace for trace in TRACES if trace.encode() in content or trace.encode("utf-16-le") in content]


@pytest.fixture
def told(copy):
    """Everything that is written or answered about a case with a photo of each format, by where it stands."""
    resident, officer, leader = copy.resident(), copy.staff("officer", "26929"), copy.staff("leader")
    chair = copy.staff("chair", "26929")
    report = resident.report(PLACES["26929"], note="Bàn ghế trên vỉa hè").json()["id"]
    originals = {image_format: photo(image_format) for image_format in FORMATS}
    names = [resident.send_photo(report, content)[0] for content in originals.values()]

    def looked() -> bool:
        photos = officer.get(f"/reports/{report}").json()["photos"]
        return all(one["look"] for one in photos) and len(photos) == len(names)

    copy.wait_until(looked, seconds=90)
    said: dict[str, bytes | str] = {}
    for somebody, name in ((resident, "resident"), (officer, "officer"), (chair, "chair"), (leader, "leader")):
        for path in ("", "/timeline"):
            said[f"{name} {path}"] = somebody.get(f"/reports/{report}{path}").text
    said["queue"] = officer.get("/queue?limit=200").text
    said["mine"] = resident.get("/reports").text
    said["inbox"] = resident.get("/me/inbox").text
    said["nearby"] = resident.get("/reports/nearby", params={"kind": "SW01", **PLACES["26929"]}).text
    said["metrics"] = copy.clients[0].get(f"http://127.0.0.1:{copy.port}/metrics").text
    for name in names:
        link = officer.post(f"/reports/{report}/photos/{name}/look").json()["url"]
        said[f"look {name}"] = officer.get(f"http://127.0.0.1:{copy.port}{link}").content
        said[f"blurs {name}"] = officer.get(f"/reports/{report}/photos/{name}/blurs").text
    for file in (copy.folder / "photos" / "copies").rglob("*"):
        if file.is_file():
            said[str(file.relative_to(copy.folder))] = file.read_bytes()
    for log in copy.folder.glob("*.log"):
        said[log.name] = log.read_bytes()
    resident.move(report, "withdrawn")
    return originals, said


def test_nothing_that_anybody_is_given_tells_where_by_whom_or_with_what_a_photo_was_taken(told):
    originals, said = told

    for content in originals.values():
        assert {OWNER, SERIAL, MAKER} <= set(traces_in(content)), "the originals hold what is looked for"
    copies = {name for name in said if name.startswith("photos/copies/")}
    for kind in ("display", "thumb", "full", "public"):
        assert sum(f"/{kind}/" in name for name in copies) >= len(FORMATS), kind
    assert {name: traces_in(content) for name, content in said.items() if traces_in(content)} == {}
