"""The words that people read for states, outcomes, bands and roles: one Vietnamese term each, and what it is in English.

*Khiếu nại*, *tố cáo* and *tái phạm* are legal terms of other things and never stand for a contest, a report about staff
or a recurrence.
"""

from collections.abc import Mapping
from typing import NamedTuple

from app.core.errors import Language


class Word(NamedTuple):
    """One term in both languages."""

    vi: str
    en: str

    def in_language(self, language: Language) -> str:
        """The term as a person reads it."""
        return self.vi if language == "vi" else self.en


FIELDS: Mapping[str, Word] = {
    "sidewalk": Word("Trật tự lòng lề đường", "Sidewalks and roadways"),
    "environment": Word("Vệ sinh môi trường", "Environment"),
    "construction": Word("Trật tự xây dựng", "Construction"),
}

STATES: Mapping[str, Word] = {
    "received": Word("Mới gửi đến", "Just received"),
    "accepted": Word("Đã tiếp nhận, đang xử lý", "Accepted, being handled"),
    "on_site": Word("Đang kiểm tra tại hiện trường", "Being checked on site"),
    "awaiting_resident": Word("Chờ người dân bổ sung", "Waiting for the resident"),
    "concluded": Word("Đã có kết quả xử lý", "Concluded"),
    "contested": Word("Người dân chưa đồng ý", "Contested by the resident"),
    "closed": Word("Đã kết thúc", "Closed"),
    "withdrawn": Word("Người dân rút tin", "Withdrawn by the resident"),
}

OUTCOMES: Mapping[str, Word] = {
    "recorded": Word("Đã lập biên bản vi phạm", "Violation recorded"),
    "remedied": Word("Đã nhắc nhở, khắc phục tại chỗ", "Warned, and put right on the spot"),
    "gone": Word("Đến nơi không còn vi phạm", "Gone when the officer came"),
    "no_violation": Word("Không có hành vi vi phạm", "No violation"),
    "unfounded": Word("Tin không đúng sự thật", "Not true"),
    "duplicate": Word("Trùng tin đã có", "Same as an earlier report"),
    "referred": Word("Chuyển cơ quan có thẩm quyền", "Referred to the competent body"),
    "out_of_scope": Word("Không thuộc phạm vi tiếp nhận", "Outside what is taken here"),
}

BANDS: Mapping[str, Word] = {
    "early": Word("Trước hạn", "Early"),
    "on_time": Word("Đúng hạn", "On time"),
    "late": Word("Trễ hạn", "Late"),
    "overdue": Word("Quá hạn chưa xong", "Overdue and still open"),
}

ROLES: Mapping[str, Word] = {
    "resident": Word("Người dân", "Resident"),
    "volunteer": Word("Tình nguyện viên", "Volunteer"),
    "officer": Word("Cán bộ xử lý", "Officer"),
    "chair": Word("Chủ tịch UBND phường", "Chair of the ward"),
    "dispatcher": Word("Điều phối viên thành phố", "City dispatcher"),
    "leader": Word("Lãnh đạo thành phố, theo dõi", "City leader"),
    "admin": Word("Quản trị hệ thống", "Administrator"),
}
