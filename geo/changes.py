"""What boundary files change in the ward versions that are known: which are new, which end, who follows whom.

No version is ever edited but for one thing: an open end may be set. Whatever would need more is a problem for people.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import shapely

from geo import coverage
from geo.features import Feature
from geo.validity import Days, change_days

# A ward that lies in the new ones by this much has been replaced. Less, but more than a sliver, is for people to decide.
REPLACED_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Known:
    """A stored ward version."""

    id: int
    code: str
    name: str
    days: Days
    polygon: shapely.MultiPolygon

    def __str__(self) -> str:
        return f"{self.code} {self.name} ({self.days})"


Version = Known | Feature


@dataclass(slots=True)
class Changes:
    """What to write. `ended` holds the stored versions with their new days; `problems` forbid writing anything."""

    added: list[Feature] = field(default_factory=list)
    ended: dict[int, Known] = field(default_factory=dict)
    unchanged: int = 0
    noted: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Succession:
    """Ground that passes from one version to the one after it; `share` is the part of the predecessor's area."""

    predecessor: Version
    successor: Version
    share: float

    def __str__(self) -> str:
        return f"{self.predecessor} -> {self.successor}: {self.share:.1%} of its area"


def compare(known: Sequence[Known], features: Sequence[Feature]) -> Changes:
    """Find what the features of one or several files change, and every reason not to."""
    changes = Changes()
    standing = _Standing(known)
    for feature in features:
        same = standing.like(feature)
        if same is None:
            changes.added.append(feature)
        else:
            _repeat(changes, standing, feature, same)
    _one_version_a_day(changes)
    _end_same_codes(changes, standing)
    _end_replaced(changes, standing)
    changes.ended = standing.ended
    _check_ground(changes, standing.versions())
    return changes


def successions(changes: Changes, known: Sequence[Known]) -> list[Succession]:
    """Who follows whom, where at least one of the two is new or has just ended."""
    versions: list[Version] = [*(changes.ended.get(version.id, version) for version in known), *changes.added]
    ending = [version for version in versions if version.days.until is not None]
    tree = shapely.STRtree([version.polygon for version in versions])
    found = []
    for i, j in tree.query(np.array([version.polygon for version in ending], dtype=object), predicate="intersects").T:
        earlier, later = ending[i], versions[j]
        if earlier.days.meets(later.days) and _is_news(changes, earlier, later):
            share = coverage.shared_part(earlier.polygon, later.polygon)
            if share > 0.0:
                found.append(Succession(earlier, later, share))
    return sorted(found, key=lambda one: (one.successor.days.first or date.min, one.predecessor.code, -one.share))


def _is_news(changes: Changes, earlier: Version, later: Version) -> bool:
    """Whether the two have not met before: a stored one that has just ended met nobody while it was open."""
    return isinstance(earlier, Feature) or isinstance(later, Feature) or earlier.id in changes.ended


class _Standing:
    """The stored versions as they will be once the changes are written."""

    def __init__(self, known: Sequence[Known]) -> None:
        self._versions = {version.id: version for version in known}
        self._by_code: dict[str, list[int]] = {}
        for version in known:
            self._by_code.setdefault(version.code, []).append(version.id)
        self.ended: dict[int, Known] = {}

    def versions(self) -> list[Known]:
        return list(self._versions.values())

    def of_code(self, code: str) -> list[Known]:
        return [self._versions[number] for number in self._by_code.get(code, ())]

    def like(self, feature: Feature) -> Known | None:
        """The version of the same code that begins on the same day with the same boundary."""
        for version in self.of_code(feature.code):
            same_begin = version.days.first == feature.days.first
            if same_begin and shapely.equals_exact(version.polygon, feature.polygon, tolerance=0.0, normalize=True):
                return version
        return None

    def end(self, version: Known, until: date) -> None:
        ended = replace(version, days=Days(version.days.first, until))
        self._versions[version.id] = self.ended[version.id] = ended


def _repeat(changes: Changes, standing: _Standing, feature: Feature, same: Known) -> None:
    """The file has a stored version once more: nothing to do, unless it names the end of an open one."""
    if feature.name != same.name:
        changes.problems.append(f"{feature}: stored as {same.name!r}; a version is never renamed")
    elif same.days.until == feature.days.until:
        changes.unchanged += 1
    elif feature.days.until is None:
        changes.unchanged += 1
        changes.noted.append(f"{feature}: ended by a later file on {same.days.last}; it stays so")
    elif same.days.until is None:
        standing.end(same, feature.days.until)
    else:
        changes.problems.append(f"{feature}: stored with the last day {same.days.last}; a version is never edited")


def _one_version_a_day(changes: Changes) -> None:
    """No code may have two boundaries on one day of the files."""
    by_code: dict[str, list[Feature]] = {}
    for feature in changes.added:
        for other in by_code.setdefault(feature.code, []):
            if feature.days.overlaps(other.days):
                changes.problems.append(f"code {feature.code} twice on one day: {other} and {feature}")
        by_code[feature.code].append(feature)


def _end_same_codes(changes: Changes, standing: _Standing) -> None:
    """A version that begins ends the open one of its code; any other meeting in time would be an edit."""
    for feature in sorted(changes.added, key=lambda one: one.days.first or date.min):
        for version in standing.of_code(feature.code):
            if not version.days.overlaps(feature.days):
                continue
            if (
                version.days.until is None
                and feature.days.first is not None
                and feature.days.begins_after(version.days)
            ):
                standing.end(version, feature.days.first)
            else:
                changes.problems.append(f"{feature}: shares days with the stored {version}; a version is never edited")


def _end_replaced(changes: Changes, standing: _Standing) -> None:
    """A version that begins also ends the open ones of other codes whose ground it takes."""
    for day in sorted({feature.days.first for feature in changes.added if feature.days.first is not None}):
        new = [feature for feature in changes.added if feature.days.first == day]
        tree = shapely.STRtree([feature.polygon for feature in new])
        begun = Days(first=day)
        for version in [one for one in standing.versions() if one.days.until is None and begun.begins_after(one.days)]:
            over = [new[i].polygon for i in tree.query(version.polygon, predicate="intersects")]
            share = coverage.shared_part(version.polygon, shapely.union_all(over)) if over else 0.0
            if share >= REPLACED_SHARE:
                standing.end(version, day)
            elif share > 0.0:
                changes.problems.append(
                    f"stored {version}: {share:.1%} of it lies in the wards that begin on {day}, "
                    f"too much to be untouched, too little to be replaced ({REPLACED_SHARE:.0%})"
                )


def _check_ground(changes: Changes, standing: Sequence[Known]) -> None:
    """Overlaps and gaps on every stretch of days that an added version belongs to."""
    everything: list[Version] = [*standing, *changes.added]
    reported: set[tuple[int, int]] = set()
    for begin, present in _epochs(everything):
        if not any(isinstance(version, Feature) for version in present):
            continue
        since = f"from {begin}" if begin else "from the beginning"
        for overlap in coverage.overlaps([version.polygon for version in present]):
            pair = present[overlap.first], present[overlap.second]
            key = id(pair[0]), id(pair[1])
            if key in reported or not any(isinstance(version, Feature) for version in pair):
                continue
            reported.add(key)
            sentence = f"{pair[0]} and {pair[1]} overlap by {overlap.m2:,.1f} m2"
            (changes.noted if overlap.sliver else changes.problems).append(sentence)
        for gap in coverage.gaps([version.polygon for version in present]):
            kind = "sliver of a gap" if gap.sliver else "gap"
            changes.noted.append(
                f"{since}: {kind} of {gap.m2:,.1f} m2 between wards at lat {gap.at.lat:.6f} lon {gap.at.lng:.6f}"
            )


def _epochs(versions: Sequence[Version]) -> Iterator[tuple[date | None, list[Version]]]:
    """Each stretch of days without a change, by its first day, with the versions valid in it."""
    days = change_days([version.days for version in versions])
    for begin in [None, *days]:
        probe = begin or date.min
        if present := [version for version in versions if version.days.contains(probe)]:
            yield begin, present
