"""What a photo says against its report: hints for who works on the case, never a refusal and never a proof. Pure.

Messengers take every mark off a photo, clocks of phones are wrong, and people send what they saw last night: so each
hint is one word of a few, and "unknown" is one of them. No figure, no coordinate and no text of the photo is kept: how
far away a photo was taken, or with what, would tell where the resident's phone was and which one it is.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.photos.exif import Said
from app.photos.formats import ImageType, MediaType
from geo.coordinates import LngLat, metres_between

# As the routing of reports takes them: the accuracy of a place that gives none, and the worst that is believed.
USUAL_ACCURACY_M: Final = 20.0
WORST_ACCURACY_M: Final = 200.0

# A phone between the walls of an alley is wrong by 50 m, and who photographs stands up to 50 m from what they show.
PHOTO_ERROR_M: Final = 100.0

# Without a network a phone may keep a report for a day (as the mark of `captured_at`).
OLD_AFTER: Final = timedelta(hours=24)

# A phone's clock may be wrong by this much without a word about it.
CLOCK_ERROR: Final = timedelta(minutes=5)


class Place(StrEnum):
    """Where it was taken, against the place that the report states."""

    NEAR = "near"
    FAR = "far"
    UNKNOWN = "unknown"


class Time(StrEnum):
    """When it was taken, against when it was named to us (an after-photo: against when the report came)."""

    AGREES = "agrees"
    OLD = "old"
    AHEAD = "ahead"
    UNKNOWN = "unknown"


class Edited(StrEnum):
    """Whether it is as the camera wrote it. `resaved`: nothing of a camera is left, as messengers and screenshots do."""

    NO = "no"
    EDITED = "edited"
    RESAVED = "resaved"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Stated:
    """What a photo is compared with. `since`: the earliest instant at which it can have been taken for this report."""

    place: LngLat
    accuracy_m: float | None
    since: datetime
    named_at: datetime


# Programs that change pictures, as they name themselves in Software and XMP. What a phone's own system writes there (a
# version, the name of its camera) is not among them.
_EDITORS: Final = re.compile(
    r"photoshop|lightroom|adobe|gimp|snapseed|picsart|canva\b|pixelmator|affinity|facetune|meitu|beautyplus|b612"
    r"|\bsnow\b|vsco|faceapp|remini|photoroom|paint|photopea|pixlr|fotor|polarr|imagemagick|darktable|capture one"
    r"|luminar|inshot|photo ?editor|photodirector|touchretouch|midjourney|stable diffusion|firefly"
)

# What phones' cameras write. The others come from screens and from programs.
_OF_CAMERAS: Final = frozenset({ImageType.JPEG, ImageType.HEIC})


def hints(said: Said, media: MediaType, stated: Stated) -> dict[str, str]:
    """Place, time and edited, each as its one word."""
    return {"place": _place(said, stated), "time": _time(said, stated), "edited": _edited(said, media)}


def earliest(role: str, *, report_received_at: datetime, named_at: datetime) -> datetime:
    """The earliest instant at which a photo can have been taken for its report.

    One of what was found: a day before it was named. One of what was left: when the report came, since it shows what
    became of it.
    """
    return named_at - OLD_AFTER if role == "before" else report_received_at - CLOCK_ERROR


def _place(said: Said, stated: Stated) -> Place:
    if said.lat is None or said.lon is None:
        return Place.UNKNOWN
    accuracy = USUAL_ACCURACY_M if stated.accuracy_m is None else min(stated.accuracy_m, WORST_ACCURACY_M)
    apart = metres_between(LngLat(said.lon, said.lat), stated.place)
    return Place.NEAR if apart <= accuracy + PHOTO_ERROR_M else Place.FAR


def _time(said: Said, stated: Stated) -> Time:
    if said.captured_at is None:
        return Time.UNKNOWN
    if said.captured_at > stated.named_at + CLOCK_ERROR:
        return Time.AHEAD
    return Time.OLD if said.captured_at < stated.since else Time.AGREES


def _edited(said: Said, media: MediaType) -> Edited:
    if any(_EDITORS.search(name.lower()) for name in said.software):
        return Edited.EDITED
    if not isinstance(media, ImageType):
        return Edited.UNKNOWN
    if media in _OF_CAMERAS and said.has_camera:
        return Edited.NO
    # Of a HEIC not every way to keep EXIF is read.
    return Edited.UNKNOWN if media is ImageType.HEIC and not said.has_exif else Edited.RESAVED
