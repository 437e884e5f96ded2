"""What can be wrong with a place, a day or a boundary file.

GeoError
├── CoordinatesInvalid            a position that cannot be one
│   ├── CoordinatesNotFinite      missing, not a number, NaN or infinite
│   ├── CoordinatesSwapped        latitude and longitude changed places
│   └── CoordinatesOutsideVietNam
├── AccuracyInvalid               metres that cannot be an accuracy
├── FileUnreadable                too large, no GeoJSON, or in another coordinate system
├── FeatureRefused                one feature of a boundary file cannot be a ward
├── OutsideArea                   further from every ward than routing reaches (raised in `geo.index`)
└── BoundaryFileRefused           nothing was written (raised in `geo.boundaries`)
"""

from collections.abc import Mapping
from typing import ClassVar


class GeoError(Exception):
    """A refusal with a stable `code` and the `facts` that explain it; the words for people are the caller's."""

    code: ClassVar[str] = "geo_error"

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.facts: Mapping[str, object] = facts


class CoordinatesInvalid(GeoError):
    """The position cannot be where a report was made."""

    code = "coordinates_invalid"


class CoordinatesNotFinite(CoordinatesInvalid):
    """A coordinate is missing, not a number, NaN or infinite."""

    code = "coordinates_not_finite"


class CoordinatesSwapped(CoordinatesInvalid):
    """Read the other way round, the position lies in Viet Nam."""

    code = "coordinates_swapped"


class CoordinatesOutsideVietNam(CoordinatesInvalid):
    """A position on Earth or not, but not in Viet Nam."""

    code = "coordinates_outside_viet_nam"


class AccuracyInvalid(GeoError):
    """The accuracy is negative, NaN, infinite or not a number."""

    code = "accuracy_invalid"


class FeatureRefused(GeoError):
    """One feature of a boundary file cannot be a ward; the importer collects these."""

    code = "feature_refused"


class FileUnreadable(GeoError):
    """A file is too large, no GeoJSON, or not in degrees of WGS 84."""

    code = "file_unreadable"
