"""What is hidden from the public, by looking at the pixels; and that a face and plates are found, on pictures made here."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.photos import detectors, redaction
from app.photos.detectors import Found
from app.photos.errors import RegionOutside
from app.photos.regions import Region, drawn
from bench import scenes


def chess(size=(400, 300), cell=3) -> Image.Image:
    """Black and white squares: whatever is left of them is seen."""
    x, y = np.meshgrid(np.arange(size[0]) // cell, np.arange(size[1]) // cell)
    return Image.fromarray(((x + y) % 2 * 255).astype(np.uint8)).convert("RGB")


def part(picture: Image.Image, region: Region) -> np.ndarray:
    width, height = picture.size
    left, top = round(region.left * width), round(region.top * height)
    pixels = np.asarray(picture, np.int16)
    return pixels[top : top + round(region.height * height), left : left + round(region.width * width)]


@pytest.mark.parametrize("what", ["plate", "other"])
def test_of_a_plate_one_colour_is_left(what):
    region = Region(what, 0.25, 0.25, 0.5, 0.25)

    left = part(redaction.hidden(chess(), [region]), region)

    assert np.unique(left.reshape(-1, 3), axis=0).tolist() == [[120, 120, 120]]  # 112 to 127, by its middle


def test_of_two_plates_that_read_differently_the_same_is_left():
    """The number cannot be found by trying: so many dark and light pixels, one rounded colour."""
    region, made = Region("plate", 0.2, 0.4, 0.6, 0.2), []
    for digits in ("11111", "88888"):
        picture = Image.new("RGB", (400, 200), "white")
        word = scenes.word(f"59X1-{digits}", (240, 40))
        picture.paste("black", (80, 80), word)
        made.append(part(redaction.hidden(picture, [region]), region))

    assert np.abs(made[0] - made[1]).max() <= 16


def test_of_a_face_sixteen_colours_are_left_whatever_was_there():
    region = Region("face", 0.25, 0.2, 0.3, 0.5)
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8))
    moved = Image.fromarray(np.roll(np.asarray(noise), 1, axis=1))

    one, other = (part(redaction.hidden(picture, [region]), region) for picture in (noise, moved))

    assert np.abs(np.diff(one, axis=1)).max() <= 16  # no edge
    assert np.abs(one - other).max() <= 16  # another picture of the same colours looks the same
    corners = one[:: one.shape[0] - 1, :: one.shape[1] - 1]
    assert corners.reshape(-1, 3).std(axis=0).max() < 16


def test_a_margin_is_hidden_too_and_nothing_beyond_it():
    region = Region("plate", 0.25, 0.4, 0.5, 0.2)
    picture = chess()
    left, top, right, bottom = redaction.box(region, picture.size)
    assert (left, top, right, bottom) == (83, 103, 318, 198)  # 100..300 and 120..180, 17 pixels more all around

    made, before = np.asarray(redaction.hidden(picture, [region])), np.asarray(picture)

    assert len(np.unique(made[top:bottom, left:right])) == 1
    outside = np.ones(made.shape[:2], bool)
    outside[top:bottom, left:right] = False
    assert (made[outside] == before[outside]).all()


def test_the_picture_that_was_given_stays_as_it_is():
    picture = chess()
    before = picture.tobytes()

    redaction.hidden(picture, [Region("other", 0.0, 0.0, 1.0, 1.0)])

    assert picture.tobytes() == before


parts = st.floats(-0.5, 1.5, allow_nan=False)


@given(parts, parts, st.floats(1e-6, 2), st.floats(1e-6, 2), st.sampled_from([(1, 1), (7, 3), (64, 48)]))
def test_any_place_is_hidden_without_an_error(left, top, width, height, size):
    x0, y0, x1, y1 = redaction.box(Region("face", left, top, width, height), size)

    assert 0 <= x0 < x1 <= size[0]
    assert 0 <= y0 < y1 <= size[1]
    assert redaction.hidden(Image.new("RGB", size), [Region("face", left, top, width, height)]).size == size


def test_a_place_that_was_drawn_is_cut_at_the_edges():
    assert drawn(-0.1, 0.9, 0.3, 0.3) == Region("other", 0.0, 0.9, pytest.approx(0.2), pytest.approx(0.1))


@pytest.mark.parametrize(
    "place",
    [
        (1.0, 0.5, 0.2, 0.2),
        (0.5, 0.5, 0.0, 0.2),
        (0.5, 0.5, -0.1, 0.2),
        (0.5, 0.5, 0.001, 0.2),
        (float("nan"), 0.5, 0.1, 0.1),
        (0.5, 0.5, float("inf"), 0.1),
    ],
)
def test_a_place_outside_the_picture_is_none(place):
    with pytest.raises(RegionOutside):
        drawn(*place)


def hidden_of(target: scenes.Target, regions, size) -> float:
    left, top, right, bottom = (round(edge) for edge in target.box)
    mask = np.zeros((bottom - top, right - left), bool)
    for region in regions:
        x0, y0, x1, y1 = redaction.box(region, size)
        if region.what == target.what:
            mask[max(0, y0 - top) : max(0, y1 - top), max(0, x0 - left) : max(0, x1 - left)] = True
    return mask.mean()


def test_faces_and_plates_of_a_street_are_found_wherever_they_are_and_whichever_way_it_lies():
    chance = random.Random(26929)
    scene = scenes.Scene(scenes.street(chance))
    for height, how in ((260, "half behind a mask"), (60, "turned 15°"), (32, "plain")):
        scenes.add_face(scene, chance, height, how)
    for height, how, lines in ((90, "from the side, 35°", 2), (48, "at night", 2), (30, "dirty", 1), (20, "plain", 1)):
        scenes.add_plate(scene, chance, height, how, lines)
    scene = scenes.finished(scene, chance, night=False, quality=75)

    lying = redaction.find(scene.picture)
    standing = redaction.find(scene.picture.transpose(Image.Transpose.ROTATE_90).transpose(Image.Transpose.ROTATE_270))

    assert lying == standing
    for target in scene.targets:
        assert hidden_of(target, lying, scene.picture.size) > 0.8, target
    assert len([region for region in lying if region.what == "face"]) <= 5
    assert [region.score for region in lying] == sorted((region.score for region in lying), reverse=True)


def test_a_large_photo_is_looked_at_as_the_public_sees_it():
    chance = random.Random(1)
    scene = scenes.Scene(scenes.street(chance, signs=0))
    scenes.add_face(scene, chance, 100, "plain")
    scenes.add_plate(scene, chance, 60, "plain", 1)
    large = scene.picture.resize((3200, 2400))

    small, of_large = redaction.find(scene.picture), redaction.find(large)

    assert hidden_of(scene.targets[0], of_large, scene.picture.size) > 0.8
    assert hidden_of(scene.targets[1], of_large, scene.picture.size) > 0.8
    assert {region.what for region in small} == {region.what for region in of_large}


def test_where_nobody_is_nothing_is_found():
    assert redaction.find(Image.new("RGB", (1600, 1200), "#778899")) == []
    assert redaction.find(Image.new("RGB", (3, 2000))) == []


def test_a_wall_of_text_is_hidden_with_no_more_than_a_hundred_places():
    page = Image.new("RGB", (1024, 768), "white")
    for column in range(8):
        for row in range(24):
            page.paste("black", (20 + column * 126, 12 + row * 31), scenes.word("51F123", (66, 14)))

    found = redaction.find(page)

    assert 0 < len(found) <= 100
    made = np.asarray(redaction.hidden(page, found).convert("L"))
    assert (made < 40).mean() < 0.002  # of the black letters next to nothing is left


def test_of_more_faces_than_can_be_told_apart_all_that_lies_between_is_hidden(monkeypatch):
    """A picture made of faces, which told apart would hold the worker for minutes."""
    many = [Found(10.0 + n % 80, 20.0 + n // 80, 30.0 + n % 80, 40.0 + n // 80, 0.5) for n in range(4800)]
    monkeypatch.setattr(detectors, "faces", lambda _picture, **_how: many)
    monkeypatch.setattr(detectors, "text", lambda _picture, **_how: [])

    [region] = redaction.find(Image.new("RGB", (256, 256)))

    # From 10 to 109 and from 20 to 99 of 256 pixels.
    assert region.what == "face"
    assert (region.left, region.top) == pytest.approx((10 / 256, 20 / 256))
    assert (region.width, region.height) == pytest.approx((99 / 256, 79 / 256))
