"""Square wards whose sizes can be worked out by hand, and boundary files made of them.

At 10.8 degrees north 0.001 degree is 109.36 m from west to east and 110.61 m from south to north.
"""

import json

WEST_EAST_M = 109.36
SOUTH_NORTH_M = 110.61


def square(west, south, size=0.01, *, width=None):
    """A closed counter-clockwise ring, rounded so that squares side by side have the very same corners."""
    east, north = round(west + (size if width is None else width), 6), round(south + size, 6)
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def feature(code, ring, *, kind="Polygon", coordinates=None, **properties):
    """A ward as the importer wants it; any property can be overridden, and None is left as null."""
    given = {
        "code": code,
        "name": f"Phường {code}",
        "type": "Phường",
        "valid_from": None,
        "valid_to": None,
    } | properties
    shape = [ring] if coordinates is None else coordinates
    return {"type": "Feature", "properties": given, "geometry": {"type": kind, "coordinates": shape}}


def write(folder, *features, name="wards.geojson", **members):
    """A FeatureCollection in a file."""
    path = folder / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)} | members), encoding="utf-8")
    return path
