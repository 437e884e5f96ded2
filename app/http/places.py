"""What `geo` refuses, said to people."""

from app.core.errors import DomainError, Invalid
from geo.errors import GeoError


class CoordinatesInvalid(Invalid):
    """Not a position."""

    code = "coordinates_invalid"
    vi = "Tọa độ không hợp lệ."
    en = "The coordinates are not valid."


class CoordinatesNotFinite(CoordinatesInvalid):
    """Missing, NaN or infinite."""

    code = "coordinates_not_finite"
    vi = "Vĩ độ và kinh độ phải là số hữu hạn, tính bằng độ."
    en = "Latitude and longitude must be finite numbers, in degrees."


class CoordinatesSwapped(CoordinatesInvalid):
    """Latitude and longitude changed places."""

    code = "coordinates_swapped"
    vi = "Vĩ độ và kinh độ có vẻ bị đảo chỗ cho nhau."
    en = "Latitude and longitude seem to have changed places."


class CoordinatesOutsideVietNam(CoordinatesInvalid):
    """A position, but not in Viet Nam."""

    code = "coordinates_outside_viet_nam"
    vi = "Vị trí này nằm ngoài lãnh thổ Việt Nam."
    en = "This position is not in Viet Nam."


class AccuracyInvalid(Invalid):
    """Metres that cannot be an accuracy."""

    code = "accuracy_invalid"
    vi = "Độ chính xác phải là số mét từ 0 trở lên."
    en = "The accuracy must be metres, from 0 up."


class OutsideArea(Invalid):
    """Further from every ward than routing reaches; `nearest` and `metres` say how far."""

    code = "outside_area"
    vi = "Vị trí này nằm ngoài địa bàn; nơi gần nhất là {nearest_name}, cách {metres} m."
    en = "This position is outside the area; the nearest ward is {nearest_name}, {metres} m away."


class NoWardOnThatDay(OutsideArea):
    """No ward at all is known on that day."""

    vi = "Vị trí này nằm ngoài địa bàn: không có phường, xã nào vào ngày đó."
    en = "This position is outside the area: no ward is known on that day."


_SAID: dict[str, type[DomainError]] = {
    error.code: error
    for error in (
        CoordinatesInvalid,
        CoordinatesNotFinite,
        CoordinatesSwapped,
        CoordinatesOutsideVietNam,
        AccuracyInvalid,
    )
}


def problem_of(error: GeoError, *, at: str | None = None) -> DomainError:
    """The same refusal, in words for people; `at` names the member of the input if the caller knows it."""
    if error.code == OutsideArea.code:
        return _outside(error, at)
    return _SAID.get(error.code, CoordinatesInvalid)(at=at)


def _outside(error: GeoError, at: str | None) -> DomainError:
    nearest = getattr(error, "nearest", None)
    metres = getattr(error, "metres", None)
    if nearest is None or metres is None:
        return NoWardOnThatDay(at=at, nearest=None, metres=None)
    ward = {"code": nearest.code, "name": nearest.name}
    return OutsideArea(at=at, nearest=ward, nearest_name=nearest.name, metres=round(metres))
