"""The rule of one-time codes, from facts alone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.identity import otp
from app.identity.errors import CodeExpired, CodeSpent, CodeTooSoon, CodeWrong, TooManyCodes
from app.identity.otp import Challenge

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
KEY = b"k" * 32
ID = UUID("0192f000-0000-7000-8000-000000000001")
RIGHT = otp.code_of(KEY, ID)
WRONG = "000000" if RIGHT != "000000" else "000001"


def minutes_ago(*minutes: float) -> list[datetime]:
    return [NOW - timedelta(minutes=each) for each in minutes]


def challenge(*, tries: int = 0, used: bool = False, left_s: float = 60) -> Challenge:
    return Challenge(ID, NOW + timedelta(seconds=left_s), tries, used=used)


def test_a_code_is_six_digits_of_the_challenge_and_the_key():
    assert len(RIGHT) == 6
    assert RIGHT.isdecimal()
    assert otp.code_of(KEY, ID) == RIGHT
    assert otp.code_of(b"another key", ID) != RIGHT
    assert otp.code_of(KEY, UUID("0192f000-0000-7000-8000-000000000002")) != RIGHT


def test_codes_keep_their_leading_zeros_and_fill_the_range():
    codes = [otp.code_of(KEY, UUID(int=number)) for number in range(5000)]
    assert {len(code) for code in codes} == {6}
    # 500 are expected of each leading digit; 7 standard deviations are 148.
    assert all(350 < sum(code[0] == digit for code in codes) < 650 for digit in "0123456789")


def test_the_right_code_is_taken_until_the_instant_it_runs_out():
    assert otp.refusal(challenge(left_s=0.001), RIGHT, key=KEY, now=NOW) is None
    assert isinstance(otp.refusal(challenge(left_s=0), RIGHT, key=KEY, now=NOW), CodeExpired)


def test_a_wrong_code_says_how_many_tries_are_left():
    for tries, left in [(0, 4), (3, 1), (4, 0)]:
        refusal = otp.refusal(challenge(tries=tries), WRONG, key=KEY, now=NOW)
        assert isinstance(refusal, CodeWrong)
        assert refusal.facts["tries_left"] == left


@pytest.mark.parametrize("spent", [{"tries": 5}, {"used": True}, {"tries": 5, "left_s": -1}])
def test_after_five_tries_or_one_use_even_the_right_code_is_spent(spent):
    assert isinstance(otp.refusal(challenge(**spent), RIGHT, key=KEY, now=NOW), CodeSpent)


def test_a_late_wrong_code_is_no_try():
    assert isinstance(otp.refusal(challenge(left_s=-1), WRONG, key=KEY, now=NOW), CodeExpired)


def test_what_is_no_code_at_all_is_a_wrong_code():
    for said in ("", "12345", f"{RIGHT}0", "١٢٣٤٥٦", "mật mã"):
        assert isinstance(otp.refusal(challenge(), said, key=KEY, now=NOW), CodeWrong)


def test_the_next_code_is_sent_a_minute_after_the_last():
    refusal = otp.refusal_to_send([NOW - timedelta(seconds=59)], [], now=NOW)
    assert isinstance(refusal, CodeTooSoon)
    assert refusal.facts["retry_after_s"] == 1
    assert otp.refusal_to_send([NOW - timedelta(seconds=60)], [], now=NOW) is None


def test_five_codes_an_hour_go_to_a_phone():
    four = minutes_ago(50, 40, 30, 20)
    assert otp.refusal_to_send(four, [], now=NOW) is None
    refusal = otp.refusal_to_send([*four, *minutes_ago(10)], [], now=NOW)
    assert isinstance(refusal, TooManyCodes)
    # The first of the five leaves the hour in ten minutes.
    assert refusal.facts["retry_after_s"] == 600
    assert otp.refusal_to_send([*four, *minutes_ago(10)], [], now=NOW + timedelta(minutes=10)) is None


def test_twenty_codes_an_hour_go_to_the_phones_of_an_address():
    nineteen = minutes_ago(*range(2, 21))
    assert otp.refusal_to_send([], nineteen, now=NOW) is None
    assert isinstance(otp.refusal_to_send([], [*nineteen, *minutes_ago(1)], now=NOW), TooManyCodes)
    # Another phone's code a moment ago is no reason to wait.
    assert otp.refusal_to_send([], minutes_ago(0.1), now=NOW) is None
