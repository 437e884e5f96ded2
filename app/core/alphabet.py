"""Vietnamese alphabetical order, as a phone book has it: no database or machine need know the language."""

import re
import unicodedata
from typing import Final

_LETTERS: Final = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"

# Level, grave, hook, tilde, acute, dot below: they decide between words of the same letters only.
_TONES: Final = "\u0300\u0309\u0303\u0301\u0323"

_PARTS: Final = re.compile(r"[0-9]{1,9}|.", re.DOTALL)

Key = tuple[list[tuple[int, int]], list[int]]


def key(words: str) -> Key:
    """Sort by this for alphabetical order: blanks first, numbers by their value (Phường 2 before Phường 10)."""
    letters, tones = [], []
    for part in _PARTS.findall(unicodedata.normalize("NFC", words.casefold())):
        if part.isdigit() and part.isascii():
            letters.append((1, int(part)))
            tones.append(0)
            continue
        marks = unicodedata.normalize("NFD", part)
        tone = next((_TONES.index(mark) for mark in marks if mark in _TONES), -1)
        bare = unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in _TONES))
        letters.append((2, _LETTERS.index(bare)) if bare in _LETTERS else (0, 0))
        tones.append(tone + 1)
    return letters, tones


def key_of_name(name: str) -> tuple[Key, Key]:
    """Sort people by this: by the given name, which is the last word, and then by the whole."""
    return key(name.rpartition(" ")[2]), key(name)
