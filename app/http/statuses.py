"""Which status each error becomes, and how a problem (RFC 9457) tells of it. Pure: what asks may be Flask or not."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from app.core import errors
from app.core.errors import DomainError, Language
from app.photos.errors import ChecksumMismatch

MEDIA_TYPE: Final = "application/problem+json"
PAGE: Final = "/api/problems"
RETRY_AFTER_S: Final = 5


class Answer(NamedTuple):
    """The status of a branch of errors, and its short name for people."""

    status: int
    vi: str
    en: str


class RequestMalformed(DomainError):
    """Not something that can be read as a request to this service."""

    code = "request_malformed"
    vi = "Yêu cầu không đọc được."
    en = "The request cannot be read."


class JsonMalformed(RequestMalformed):
    """The body is not JSON, or none that is meant to be read: cut short, with NaN in it, nested too deep."""

    code = "json_malformed"
    vi = "Nội dung gửi lên không phải là JSON hợp lệ."
    en = "The body is not valid JSON."


class MethodNotAllowed(DomainError):
    """There is something at this address, and this is not done to it."""

    code = "method_not_allowed"
    vi = "Địa chỉ này không nhận phương thức {method}."
    en = "{method} is not done at this address."


class BodyTooLarge(errors.TooLarge):
    """The body is over the limit of its route."""

    code = "body_too_large"


class ProtocolUnknown(DomainError):
    """The sender of a resumable upload speaks another version of the protocol, or does not say which."""

    code = "upload_protocol_unknown"
    vi = "Cần tiêu đề Tus-Resumable: {version}."
    en = "The header Tus-Resumable: {version} is needed."


class RequestRefused(DomainError):
    """Anything else that the HTTP layer refuses."""

    code = "request_refused"
    vi = "Yêu cầu không được chấp nhận."
    en = "The request was refused."


STATUSES: Mapping[type[DomainError], Answer] = {
    RequestMalformed: Answer(400, "Yêu cầu không hợp lệ", "Bad request"),
    errors.NotSignedIn: Answer(401, "Chưa đăng nhập", "Not signed in"),
    errors.NotPermitted: Answer(403, "Không có quyền", "Not permitted"),
    errors.NotFound: Answer(404, "Không tìm thấy", "Not found"),
    MethodNotAllowed: Answer(405, "Không hỗ trợ", "Method not allowed"),
    errors.Conflict: Answer(409, "Không phù hợp trạng thái", "Conflict"),
    errors.Stale: Answer(412, "Dữ liệu đã cũ", "Stale"),
    ProtocolUnknown: Answer(412, "Giao thức không hỗ trợ", "Protocol unknown"),
    errors.TooLarge: Answer(413, "Quá lớn", "Too large"),
    errors.NotThatKind: Answer(415, "Không nhận loại này", "Unsupported kind"),
    errors.Invalid: Answer(422, "Dữ liệu không hợp lệ", "Invalid"),
    ChecksumMismatch: Answer(460, "Sai lệch trên đường truyền", "Checksum mismatch"),  # tus 1.0.0, checksum extension
    errors.TooMany: Answer(429, "Quá nhiều yêu cầu", "Too many requests"),
    RequestRefused: Answer(400, "Yêu cầu bị từ chối", "Refused"),
    errors.Unavailable: Answer(503, "Tạm thời gián đoạn", "Unavailable"),
    DomainError: Answer(500, "Lỗi hệ thống", "Internal error"),
}


def answer_for(error: type[DomainError]) -> Answer:
    """The status of an error: that of the nearest class above it in the table."""
    return next(STATUSES[branch] for branch in error.__mro__ if branch in STATUSES)


def body_of(error: DomainError, spoken: Language, *, site: str, status: int | None = None) -> dict[str, Any]:
    """The members of the problem that tells of `error`; `site` is the scheme and host under which its page lies."""
    kind = answer_for(type(error))
    # Facts are members of their own (RFC 9457, 3.2), for programs that would rather not parse the sentence.
    body: dict[str, Any] = {fact: value for fact, value in error.facts.items() if _is_plain(value)} | {
        "type": f"{site}{PAGE}#{error.code}",
        "title": kind.vi if spoken == "vi" else kind.en,
        "status": status or kind.status,
        "detail": error.detail(spoken),
        "code": error.code,
    }
    wrong = error.facts.get("errors")
    if wrong is not None:
        body["errors"] = [{"at": at, "code": one.code, "detail": one.detail(spoken)} for at, one in wrong]
    elif error.at is not None:
        body["errors"] = [{"at": error.at, "code": error.code, "detail": body["detail"]}]
    return body


def advice(error: DomainError) -> dict[str, str]:
    """The headers that tell a program what to do about it."""
    if isinstance(error, errors.NotSignedIn):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, errors.TooMany):
        return {"Retry-After": str(error.facts["retry_after_s"])}
    return {"Retry-After": str(RETRY_AFTER_S)} if isinstance(error, errors.Unavailable) else {}


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool | dict) or value is None
