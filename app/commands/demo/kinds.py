"""What the demo's reports are about: how often each kind, at which hours, what people write, what it costs."""

from dataclasses import dataclass
from itertools import accumulate

# How the reports of a kind spread over the 24 hours of a day, local time.
STREET_HOURS = (1, .5, .3, .3, .5, 2, 5, 8, 8, 6, 5, 5, 4, 3, 4, 5, 7, 9, 9, 8, 6, 4, 2, 1.5)  # fmt: skip
RUBBISH_HOURS = (1, .5, .3, .3, .8, 3, 6, 7, 6, 5, 4, 4, 3, 3, 3, 4, 5, 6, 7, 8, 7, 5, 3, 2)  # fmt: skip
NOISE_HOURS = (3, 1, .3, .2, .2, .3, 1, 1, 1, 1.5, 1.5, 2, 2, 1.5, 2, 2, 3, 4, 7, 10, 12, 12, 9, 6)  # fmt: skip
SITE_HOURS = (.3, .2, .2, .2, .3, .8, 3, 7, 9, 9, 8, 5, 3, 5, 8, 8, 7, 5, 3, 2, 1.5, 1, .6, .4)  # fmt: skip


@dataclass(frozen=True)
class DemoKind:
    """One kind of the catalogue, as the demo reports it. Fines in steps of 50,000 đồng, from and to included."""

    code: str
    weight: float
    hours: tuple[float, ...]
    fines: tuple[int, int]
    notes: tuple[str, ...]


KINDS = {
    "sidewalk": (
        DemoKind("SW01", 34, STREET_HOURS, (4, 7), ("Quán kê bàn ghế kín vỉa hè.", "Bày hàng hết lối đi, phải đi xuống lòng đường.")),
        DemoKind("SW02", 12, STREET_HOURS, (4, 5), ("Xe đẩy bán hàng rong chắn lối.", "Bán hàng rong trước cổng trường.")),
        DemoKind("SW03", 10, STREET_HOURS, (4, 8), ("Ô tô đỗ hẳn lên vỉa hè.",)),
        DemoKind("SW04", 20, STREET_HOURS, (4, 7), ("Xe máy dựng hai hàng trên vỉa hè.", "Để xe chắn lối người đi bộ.")),
        DemoKind("SW05", 7, STREET_HOURS, (4, 8), ("Giữ xe thu tiền trên vỉa hè.",)),
        DemoKind("SW06", 4, STREET_HOURS, (4, 8), ("Bảng hiệu và mái che lấn ra ngoài.",)),
        DemoKind("SW07", 4, STREET_HOURS, (4, 7), ("Rửa xe, nước chảy ra đường.",)),
        DemoKind("SW08", 4, STREET_HOURS, (4, 6), ("Chợ tạm họp dưới lòng đường.",)),
        DemoKind("SW09", 3, STREET_HOURS, (4, 8), ("Xà bần đổ bên đường mấy hôm rồi.",)),
        DemoKind("SW10", 2, STREET_HOURS, (4, 5), ("Chậu cây to chặn lối đi.",)),
    ),
    "environment": (
        DemoKind("EN01", 26, RUBBISH_HOURS, (20, 40), ("Vứt rác ngay miệng cống.", "Bao rác để giữa vỉa hè.")),
        DemoKind("EN02", 16, RUBBISH_HOURS, (10, 20), ("Rác để ngoài giờ thu gom.",)),
        DemoKind("EN03", 10, RUBBISH_HOURS, (20, 40), ("Quán đổ nước rửa chén ra đường.",)),
        DemoKind("EN04", 6, RUBBISH_HOURS, (3, 5), ("Góc này thường có người tiểu bậy.",)),
        DemoKind("EN05", 4, RUBBISH_HOURS, (2, 3), ("Tàn thuốc vứt đầy trước quán.",)),
        DemoKind("EN06", 6, RUBBISH_HOURS, (20, 40), ("Đổ rác xuống rạch.",)),
        DemoKind("EN07", 3, RUBBISH_HOURS, (10, 20), ("Rác không phân loại.",)),
        DemoKind("EN08", 18, NOISE_HOURS, (10, 20), ("Loa kéo hát lớn, con nhỏ không ngủ được.", "Karaoke từ chiều đến giờ.")),
        DemoKind("EN09", 4, NOISE_HOURS, (20, 40), ("Xưởng cắt sắt ồn cả ngày.",)),
        DemoKind("EN10", 3, SITE_HOURS, (40, 60), ("Xe ben làm rơi đất đầy đường.",)),
        DemoKind("EN11", 4, RUBBISH_HOURS, (10, 20), ("Đốt rác khói mù mịt.",)),
    ),
    "construction": (
        DemoKind("CO01", 1.2, SITE_HOURS, (1200, 1600), ("Nhà đang xây, không thấy giấy phép.",)),
        DemoKind("CO02", 1.8, SITE_HOURS, (600, 800), ("Xây thêm tầng so với giấy phép.",)),
        DemoKind("CO03", 3, SITE_HOURS, (60, 100), ("Sửa nhà khác với giấy phép.",)),
        DemoKind("CO04", 44, SITE_HOURS, (20, 60), ("Công trình không che chắn, bụi rơi xuống đường.", "Gạch rơi xuống hẻm.")),
        DemoKind("CO05", 4, SITE_HOURS, (40, 80), ("Đào móng làm nứt tường nhà bên.",)),
        DemoKind("CO06", 8, SITE_HOURS, (20, 60), ("Cơi nới ban công ra hẻm.",)),
        DemoKind("CO07", 2, SITE_HOURS, (40, 100), ("Dựng nhà trên bờ rạch.",)),
        DemoKind("CO08", 2, SITE_HOURS, (60, 100), ("Hôm trước lập biên bản rồi vẫn xây tiếp.",)),
        DemoKind("CO09", 14, SITE_HOURS, (10, 20), ("Công trình không có bảng thông tin.",)),
        DemoKind("CO10", 20, NOISE_HOURS, (10, 20), ("Nửa đêm vẫn đổ bê tông.",)),
    ),
}  # fmt: skip

KIND_WEIGHTS = {field: list(accumulate(kind.weight for kind in kinds)) for field, kinds in KINDS.items()}

# How far from a spot of the street a report of a field may be, in metres.
SPREAD_M = {"sidewalk": 6.0, "environment": 40.0, "construction": 180.0}

CONCLUSION_NOTES = {
    "recorded": ("Đã lập biên bản vi phạm, yêu cầu dọn ngay.", "Có mặt người vi phạm, đã lập biên bản."),
    "remedied": ("Đã nhắc nhở, người dân tự thu dọn.",),
    "gone": ("Đến nơi đã dọn xong, không còn ai.",),
    "no_violation": ("Kiểm tra thấy đúng quy định.",),
    "unfounded": ("Không có sự việc như tin báo.",),
}

LATE_REASONS = (
    "Cùng lúc có nhiều tin trong khu vực.",
    "Phải chờ chủ công trình có mặt.",
    "Mưa lớn, đường ngập.",
    "Phải phối hợp với công an phường.",
)
