"""What can go wrong, as nouns. Which HTTP status each becomes is decided in one table, `app/http/statuses.py`.

DomainError
 ├─ NotSignedIn            who is asking is not known
 ├─ NotPermitted           known, but may not
 ├─ NotFound               does not exist, or is not for the asker to know of
 ├─ Conflict               true as asked, but not in the present state
 │   └─ Stale              the asker's copy is older than the stored one
 ├─ Invalid                understood, and wrong
 ├─ TooLarge               over a stated bound in bytes
 ├─ NotThatKind            the bytes are not of an accepted kind
 ├─ TooMany                a limit per person or address; `retry_after_s` tells when to come back
 └─ Unavailable            something this needs is down

A feature declares its own errors as subclasses with a stable `code` and a sentence in Vietnamese and English; facts
named in the sentences are given when it is raised.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

Language = Literal["vi", "en"]


class DomainError(Exception):
    """A refusal that the person who gets it can understand.

    `facts` fill the placeholders of the sentences. `at` names the member of the input that is wrong, as in
    `location.lat`, when there is one.
    """

    code: ClassVar[str] = "error"
    vi: ClassVar[str] = "Có lỗi xảy ra."
    en: ClassVar[str] = "Something went wrong."

    def __init__(self, *, at: str | None = None, **facts: Any) -> None:
        super().__init__(self.code)
        self.at = at
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.code}: {self.detail('en')}"

    def detail(self, language: Language) -> str:
        """The sentence for a person, in `language`."""
        return (self.vi if language == "vi" else self.en).format_map(self.facts)


class NotSignedIn(DomainError):
    """Who is asking is not known."""

    code = "not_signed_in"
    vi = "Bạn cần đăng nhập."
    en = "You need to sign in."


class NotPermitted(DomainError):
    """The asker is known, and may not."""

    code = "not_permitted"
    vi = "Bạn không có quyền làm việc này."
    en = "You may not do this."


class NotFound(DomainError):
    """It does not exist, or is not for the asker to know of."""

    code = "not_found"
    vi = "Không tìm thấy."
    en = "Not found."


class Conflict(DomainError):
    """True as asked, but not in the present state."""

    code = "conflict"
    vi = "Không thực hiện được ở trạng thái hiện tại."
    en = "Not possible in the present state."


class Stale(Conflict):
    """The asker's copy is older than the stored one."""

    code = "stale"
    vi = "Dữ liệu đã thay đổi kể từ lần bạn xem; hãy tải lại."
    en = "This has changed since you read it; please read it again."


class Invalid(DomainError):
    """Understood, and wrong."""

    code = "invalid"
    vi = "Dữ liệu gửi lên không hợp lệ."
    en = "The input is not valid."


class TooLarge(DomainError):
    """Over a stated bound in bytes."""

    code = "too_large"
    vi = "Dữ liệu gửi lên quá lớn; nhiều nhất {limit_bytes} byte."
    en = "The input is too large; at most {limit_bytes} bytes."


class NotThatKind(DomainError):
    """The bytes are not of an accepted kind."""

    code = "unsupported_media_type"
    vi = "Loại nội dung này không được nhận ở đây."
    en = "This kind of content is not accepted here."


class TooMany(DomainError):
    """Over a limit per person or address."""

    code = "too_many_requests"
    vi = "Quá nhiều yêu cầu; hãy thử lại sau {retry_after_s} giây."
    en = "Too many requests; try again in {retry_after_s} seconds."


class Unavailable(DomainError):
    """Something that this needs is down."""

    code = "unavailable"
    vi = "Dịch vụ tạm thời gián đoạn; hãy thử lại."
    en = "The service is interrupted for the moment; please try again."


def all_errors() -> Iterator[type[DomainError]]:
    """Every error class that has been imported, each once: the page of problem codes is made from it."""
    seen: set[type[DomainError]] = set()
    waiting: list[type[DomainError]] = [DomainError]
    while waiting:
        error = waiting.pop()
        if error not in seen:
            seen.add(error)
            waiting.extend(error.__subclasses__())
            yield error
