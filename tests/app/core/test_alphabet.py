"""Vietnamese alphabetical order, told by hand."""

import unicodedata

from app.core.alphabet import key, key_of_name


def test_letters_with_a_mark_are_letters_of_their_own():
    in_order = ["An", "Ăn", "Ân", "Bình", "Cần", "Dương", "Đăng", "Em", "Êm", "Ông", "Ơn", "Uyên", "Ưng"]
    by_code_point = sorted(in_order)
    assert sorted(by_code_point, key=key) == in_order


def test_tones_decide_between_the_same_letters_only():
    in_order = ["ma", "mà", "mả", "mã", "má", "mạ", "mai", "mạn"]
    by_code_point = sorted(in_order)
    assert sorted(by_code_point, key=key) == in_order


def test_numbers_count_and_a_shorter_name_comes_first():
    in_order = ["Phường 2", "Phường 10", "Phường An", "Phường An Hội", "Phường Anh", "Xã 1"]
    by_code_point = sorted(in_order)
    assert sorted(by_code_point, key=key) == in_order


def test_how_a_letter_is_put_together_does_not_matter():
    assert key(unicodedata.normalize("NFD", "Gia Định")) == key("GIA ĐỊNH")


def test_people_are_looked_up_by_their_given_names():
    in_order = ["Trần Văn An", "Lê Thị Bình", "Nguyễn An Bình", "Bùi Đức"]
    by_code_point = sorted(in_order)
    assert sorted(by_code_point, key=key_of_name) == in_order
