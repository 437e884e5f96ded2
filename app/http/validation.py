"""What a schema refuses, said to people: which member, and what is wrong with it, in both languages.

marshmallow says its messages in English. The table turns the usual ones into stable codes and Vietnamese; a message
that is not in it keeps its English and the code `invalid`.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from app.core.errors import Invalid


class InputInvalid(Invalid):
    """Some members of the input are wrong; `errors` says which."""

    code = "input_invalid"
    vi = "Dữ liệu gửi lên chưa đúng: {summary}"
    en = "The input is not valid: {summary}"


class _Said(NamedTuple):
    pattern: re.Pattern[str]
    code: str
    vi: str


def _said(pattern: str, code: str, vi: str) -> _Said:
    return _Said(re.compile(pattern), code, vi)


_TABLE: Final = (
    _said(r"^Missing data for required field", "required", "Thiếu trường này."),
    _said(r"^Field may not be null", "required", "Không được để trống."),
    _said(r"^Unknown field", "unknown_member", "Không có trường này."),
    _said(r"^(Longer than maximum length|Length must be)", "length_invalid", "Độ dài không phù hợp."),
    _said(r"^Shorter than minimum length", "length_invalid", "Quá ngắn."),
    _said(r"^Must be one of", "not_offered", "Giá trị không có trong danh sách cho phép."),
    _said(r"^(Special numeric|Not a valid number|Not a valid integer|Number too large)", "number_invalid", "Không phải là số hợp lệ."),
    _said(r"^Must be (greater|less)", "out_of_range", "Giá trị ngoài khoảng cho phép."),
    _said(r"^Not a valid UUID", "uuid_invalid", "Không phải là mã UUID hợp lệ."),
    _said(r"^Must be a UUID of version", "uuid_version_invalid", "Phải là mã UUID phiên bản 4 hoặc 7."),
    _said(r"^Not a valid (aware )?(datetime|date|time)", "time_invalid", "Thời điểm hoặc ngày không hợp lệ; thời điểm cần có múi giờ."),
    _said(r"^Not a valid boolean", "boolean_invalid", "Phải là true hoặc false."),
    _said(r"^Not a valid (string|list|mapping)|^Invalid (input )?type", "type_invalid", "Sai kiểu dữ liệu."),
    _said(r"^String does not match", "format_invalid", "Sai định dạng."),
    _said(r"^Not a valid email", "email_invalid", "Không phải là địa chỉ thư điện tử dùng được."),
    _said(r"^Must be two times", "times_equal", "Hai giờ phải khác nhau."),
    _said(r"^Must not contain control", "text_invalid", "Có ký tự điều khiển không được phép."),
)  # fmt: skip

# More than this many are a program's mistake, and one answer need not list them all.
_MOST: Final = 20


def problem_of(messages: Any) -> InputInvalid:
    """The problem that tells what a schema said, with each wrong member by its path, as in `location.lat`."""
    wrong = list(_flat(_without_location(messages), ""))[:_MOST]
    found = [(at, _wrong(message)) for at, message in wrong]
    return InputInvalid(errors=found, summary=", ".join(dict.fromkeys(at or "body" for at, _ in wrong)))


def _without_location(messages: Any) -> Any:
    """Without the place of the input (json, query), which webargs puts on top and which is no member of it."""
    if isinstance(messages, dict) and len(messages) == 1:
        place, inner = next(iter(messages.items()))
        if place in {"json", "query", "headers", "form"}:
            return inner
    return messages


def _flat(messages: Any, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, dict):
        for member, inner in messages.items():
            under = "" if member == "_schema" else str(member)
            yield from _flat(inner, f"{at}.{under}" if at and under else at or under)
    elif isinstance(messages, list | tuple):
        for inner in messages:
            yield from _flat(inner, at)
    else:
        yield at, str(messages)


def _wrong(message: str) -> Invalid:
    known = next((said for said in _TABLE if said.pattern.search(message)), None)
    wrong = Invalid()
    # Codes of single members are listed on the page of problems with `input_invalid`; they are no classes of their own.
    wrong.code = known.code if known else "invalid"  # type: ignore[misc]
    wrong.en = _plain(message)  # type: ignore[misc]
    wrong.vi = known.vi if known else _plain(message)  # type: ignore[misc]
    return wrong


def _plain(message: str) -> str:
    """A message whose braces, if any, are not placeholders."""
    return message.replace("{", "{{").replace("}", "}}")
