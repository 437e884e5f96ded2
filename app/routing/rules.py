"""Which unit must act, and why, in words that a resident can read. Pure."""

from dataclasses import dataclass
from typing import Any

from geo.index import How, Located


@dataclass(frozen=True)
class Acting:
    """A unit as routing knows it: its kind is ward, team or desk."""

    id: int
    kind: str
    code: str
    name: str


@dataclass(frozen=True)
class Route:
    """The unit that must act, and everything that explains the choice, ready to be stored with the report."""

    unit: Acting
    ward_version_id: int
    how: str
    explanation: dict[str, Any]


def route(located: Located, ward_unit: Acting | None, desk: Acting, *, about_unit: bool) -> Route:
    """The ward's unit; the city's desk when the ward has none, or when the report is about the unit itself."""
    to_desk = about_unit or ward_unit is None
    unit = desk if to_desk or ward_unit is None else ward_unit
    how = "desk" if to_desk else located.how.value
    return Route(
        unit=unit,
        ward_version_id=located.ward.id,
        how=how,
        explanation={
            "how": how,
            "border_m": round(located.border_m, 1),
            "accuracy_m": located.accuracy_m,
            "neighbours": [
                {"code": near.ward.code, "name": near.ward.name, "share": round(near.share, 3)}
                for near in located.neighbours
            ],
            "reason": _reason(located, unit, about_unit=about_unit, no_unit=ward_unit is None),
        },
    )


def _reason(located: Located, unit: Acting, *, about_unit: bool, no_unit: bool) -> dict[str, str]:
    ward, metres = located.ward.name, round(located.border_m)
    if about_unit:
        return {
            "vi": f"Tin phản ánh về chính đơn vị của {ward} nên được chuyển đến {unit.name}.",
            "en": f"The report is about the unit of {ward} itself, so it goes to {unit.name}.",
        }
    if no_unit:
        return {
            "vi": f"Vị trí thuộc {ward}; nơi này chưa có đơn vị tiếp nhận nên tin được chuyển đến {unit.name}.",
            "en": f"The place lies in {ward}, which has no unit yet, so it goes to {unit.name}.",
        }
    if located.how is How.NEAREST:
        return {
            "vi": f"Vị trí nằm ngoài mọi phường, cách {ward} {metres} m; phường gần nhất tiếp nhận.",
            "en": f"The place lies outside every ward, {metres} m from {ward}; the nearest ward takes it.",
        }
    if located.how is How.NEAR_BORDER:
        others = ", ".join(near.ward.name for near in located.neighbours)
        return {
            "vi": f"Vị trí thuộc {ward}, cách ranh giới {metres} m; có thể thuộc {others}.",
            "en": f"The place lies in {ward}, {metres} m from its border; it may belong to {others}.",
        }
    return {
        "vi": f"Vị trí nằm trong {ward}, cách ranh giới {metres} m.",
        "en": f"The place lies in {ward}, {metres} m from its border.",
    }
