"""Telephone numbers of residents: any usual way of writing one becomes the one way of storing it. Pure."""

import re
from typing import Final

from app.identity.errors import PhoneInvalid

# Mobile numbers have nine digits after the country code or the leading 0, and begin with one of these five. Fixed lines
# begin with 2 and cannot get a message.
_MOBILE: Final = re.compile(r"(?:\+84|0084|84|0)([35789][0-9]{8})")
_SEPARATORS: Final = re.compile(r"[\s.()\-‐‑]")


def normalise(written: str) -> str:
    """A Vietnamese mobile number in E.164, as in +84912345678.

    Raises:
        PhoneInvalid: it is not one; numbers of other countries are none.
    """
    found = _MOBILE.fullmatch(_SEPARATORS.sub("", written))
    if found is None:
        raise PhoneInvalid(at="phone")
    return f"+84{found[1]}"
