"""Ways of writing a number, and what is no Vietnamese mobile number."""

import pytest

from app.identity.errors import PhoneInvalid
from app.identity.phones import normalise


@pytest.mark.parametrize(
    "written",
    [
        "0912345678",
        "+84912345678",
        "84912345678",
        "0084912345678",
        "0912 345 678",
        "0912.345.678",
        "091-234-5678",
        "(091) 234 5678",
        "+84 912 345 678",
        " 0912\u00a0345\u00a0678\n",
    ],
)
def test_any_usual_writing_is_one_number(written):
    assert normalise(written) == "+84912345678"


@pytest.mark.parametrize("start", ["032", "056", "070", "081", "099"])
def test_all_five_ranges_of_mobile_numbers(start):
    assert normalise(f"{start}1234567") == f"+84{start[1:]}1234567"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "0",
        "091234567",  # a digit short
        "09123456789",  # a digit long
        "912345678",  # neither 0 nor country code
        "+840912345678",  # both
        "02838123456",  # a fixed line in the city
        "0112345678",  # no such range
        "+14155550123",  # another country
        "0912345678;0987654321",
        "０９１２３４５６７８",  # full-width digits
        "٠٩١٢٣٤٥٦٧٨",  # Arabic digits
        "không có số",
        "0" * 10_000,
    ],
)
def test_anything_else_is_refused(written):
    with pytest.raises(PhoneInvalid) as refused:
        normalise(written)
    assert refused.value.at == "phone"
