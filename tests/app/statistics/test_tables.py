import csv
import io
from datetime import date

from app.statistics.queries import ResponseTimes, Seconds, Ward
from app.statistics.tables import HEADER, response_times_csv
from geo.validity import Days

NONE = Seconds(None, None, None, None)


def item(name="Phường Bình Thạnh", field="sidewalk", period=None):
    ward = Ward("26929", name, date(2025, 7, 1)) if name else None
    return ResponseTimes(
        ward=ward, field=field, period=period, reports=12, concluded=10, open=2, overdue=1, on_time=10, late=1, on_time_share=0.909091,
        first_response=Seconds(61.5, 300.0, 100.0, 0.0), arrival=NONE, conclusion=NONE,
    )  # fmt: skip


def rows(items):
    return list(csv.reader(io.StringIO(response_times_csv(items), newline="")))


def test_one_header_row_and_one_row_an_item_of_plain_numbers():
    header, row = rows([item(period=Days(date(2026, 2, 23), date(2026, 3, 2)))])
    assert header == list(HEADER)
    assert row == [
        "26929", "Phường Bình Thạnh", "2025-07-01", "sidewalk", "12", "10", "2", "1", "0.909091",
        "61.5", "300.0", "100.0", "0.0", *[""] * 8, "10", "1", "2026-02-23", "2026-03-02",
    ]  # fmt: skip


def test_no_column_is_renamed_or_moved_and_new_ones_come_last():
    assert ",".join(HEADER) == (
        "ward_code,ward_name,ward_valid_from,field,reports,concluded,open,overdue,on_time_share,"
        "first_response_p50_s,first_response_p90_s,first_response_mean_s,first_response_paused_share,"
        "arrival_p50_s,arrival_p90_s,arrival_mean_s,arrival_paused_share,"
        "conclusion_p50_s,conclusion_p90_s,conclusion_mean_s,conclusion_paused_share,"
        "on_time,late,period_from,period_to"
    )


def test_no_item_is_a_header_alone():
    assert rows([]) == [list(HEADER)]


def test_a_name_from_a_file_is_never_a_formula():
    for evil in ("=1+1", "+84", "-2", "@SUM(A1)", "\tx", "\rx"):
        assert rows([item(name=evil)])[1][1] == "'" + evil


def test_a_comma_a_quote_and_a_line_break_stay_in_their_cell():
    name = 'Phường "1, 2"\nvà 3'
    assert rows([item(name=name)])[1][1] == name


def test_what_was_not_told_apart_is_empty():
    row = rows([item(name=None, field=None)])[1]
    assert (row[:4], row[-2:]) == (["", "", "", ""], ["", ""])
