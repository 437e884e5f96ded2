import csv
import io
from datetime import date

from app.statistics.queries import ResponseTimes, Seconds, Ward
from app.statistics.tables import HEADER, response_times_csv

NONE = Seconds(None, None, None, None)


def item(name="Phường Bình Thạnh", field="sidewalk"):
    ward = Ward("26929", name, date(2025, 7, 1)) if name else None
    return ResponseTimes(ward, field, 12, 10, 2, 1, 0.909091, Seconds(61.5, 300.0, 100.0, 0.0), NONE, NONE)


def rows(items):
    return list(csv.reader(io.StringIO(response_times_csv(items), newline="")))


def test_one_header_row_and_one_row_an_item_of_plain_numbers():
    header, row = rows([item()])
    assert header == list(HEADER)
    assert row == [
        "26929", "Phường Bình Thạnh", "2025-07-01", "sidewalk", "12", "10", "2", "1", "0.909091",
        "61.5", "300.0", "100.0", "0.0", *[""] * 8,
    ]  # fmt: skip


def test_no_item_is_a_header_alone():
    assert rows([]) == [list(HEADER)]


def test_a_name_from_a_file_is_never_a_formula():
    for evil in ("=1+1", "+84", "-2", "@SUM(A1)", "\tx", "\rx"):
        assert rows([item(name=evil)])[1][1] == "'" + evil


def test_a_comma_a_quote_and_a_line_break_stay_in_their_cell():
    name = 'Phường "1, 2"\nvà 3'
    assert rows([item(name=name)])[1][1] == name


def test_what_was_not_told_apart_is_empty():
    assert rows([item(name=None, field=None)])[1][:4] == ["", "", "", ""]
