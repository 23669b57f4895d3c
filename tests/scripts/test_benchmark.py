"""The pure parts of the comparison: wrk's script and output, medians and ratios, the page."""

from __future__ import annotations

import json

import pytest

from scripts.benchmark.client import BenchmarkError, RefusedError, Reply
from scripts.benchmark.page import BEGIN, END, PAGE, replace_results
from scripts.benchmark.plans import (
    SHARED,
    Call,
    Data,
    Measurement,
    Plan,
    expect_json,
    expect_status,
    mix_calls,
)
from scripts.benchmark.processes import read_pss_bytes
from scripts.benchmark.program import NAMES, parse_arguments
from scripts.benchmark.report import Report, format_number, format_range, format_ratio, format_table
from scripts.benchmark.rounds import Results, Sample, check_growth, choose_samples
from scripts.benchmark.wrk import MARK, Load, parse_output, quote_lua, write_script

GOOD = {
    "requests": 8000,
    "microseconds": 4_000_000,
    "status_errors": 0,
    "socket_errors": 0,
    "p50": 1500,
    "p99": 9000,
}
TITLES = {"kinto-lite": "kinto-lite 1", "peer": "Peer 2"}
GET = Measurement("get", "GET record")


def make_call(method: str, path: str) -> Call:
    return Call(method, path, expect_status(200))


def make_samples(*rates: int) -> list[Sample]:
    return [Sample(Load(rate, 1.0, 1.0, 2.0), 1e6 / rate) for rate in rates]


def print_result(**changes: int) -> str:
    return f"Running 4s test\n{MARK}{json.dumps(GOOD | changes)}\n"


def test_result_of_wrk_is_read() -> None:
    load = parse_output(print_result())
    assert (load.requests, load.per_second, load.p50_ms, load.p99_ms) == (8000, 2000.0, 1.5, 9.0)


def test_refused_requests_are_no_number() -> None:
    with pytest.raises(RefusedError, match="80 of 8000") as caught:
        parse_output(print_result(status_errors=80))
    assert caught.value.share == 0.01


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (print_result(socket_errors=1), "broke"),
        (print_result(requests=0), "no answer"),
        ("unable to connect", "unable to connect"),
    ],
)
def test_failed_load_is_no_number(output: str, message: str) -> None:
    with pytest.raises(BenchmarkError, match=message):
        parse_output(output)


def test_lua_strings_hold_any_text() -> None:
    assert quote_lua('a "b"\\\n\u00e9') == '"a \\034b\\034\\092\\010\\195\\169"'


def test_script_has_each_request_and_the_headers() -> None:
    plan = Plan([Call("POST", "/a?b=%221%22", expect_status(201), '{"x":1}')], {"X-Y": "z"})
    script = write_script(plan)
    assert '{"POST", "/a?b=%221%22", "{\\034x\\034:1}"}' in script
    assert '["X-Y"] = "z"' in script


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12,346"), (45.67, "45.7"), (4.567, "4.57"), (0, "0.00")]
)
def test_numbers_have_the_digits_that_matter(value: float, text: str) -> None:
    assert format_number(value) == text


def test_range_is_median_smallest_and_largest() -> None:
    assert format_range([300, 100, 150]) == "150 (100 to 300)"
    assert format_range([100]) == "100"


def test_ratio_is_that_of_the_medians() -> None:
    assert format_ratio([200, 900, 300], [100, 150, 1]) == "3.00 x"


def test_ratio_without_numbers_is_not_said() -> None:
    assert [format_ratio([], [1]), format_ratio([1], []), format_ratio([1], [0])] == ["-"] * 3


def test_columns_of_a_table_have_equal_width() -> None:
    lines = format_table(["a", "long head"], [["value", "1"]]).splitlines()
    assert lines == ["| a     | long head |", "| ----- | --------- |", "| value | 1         |"]


def test_report_compares_medians_of_interleaved_rounds() -> None:
    results = Results(syncs=[900.0], bare_answers=[30000.0])
    results.samples[("get", "kinto-lite")] = make_samples(3000, 4000, 5000)
    results.samples[("get", "peer")] = make_samples(1000, 2000, 9000)
    text = Report(results, [GET], TITLES).write()
    assert "| 4,000 (3,000 to 5,000) | 2,000 (1,000 to 9,000) |" in text
    assert "| what       | connections | one worker of Peer 2 |" in text
    assert "| GET record | 32          | 2.00 x               |" in text
    assert "| GET record | 32          | 0.50 x               |" in text


def test_report_has_no_number_where_a_round_failed() -> None:
    results = Results(syncs=[900.0], bare_answers=[30000.0])
    results.samples[("get", "kinto-lite")] = make_samples(3000)
    results.samples[("get", "peer")] = make_samples(777)
    results.errors[("get", "peer")] = ["an unexpected body"]
    text = Report(results, [GET], TITLES).write()
    assert "777" not in text
    assert "| 3,000        | error  |" in text


def test_report_says_how_much_was_refused() -> None:
    results = Results(syncs=[900.0], bare_answers=[30000.0])
    results.refusals[("get", "peer")] = [0.04, 0.05, 0.09]
    assert "| 5.0% refused |" in Report(results, [GET], TITLES).write()


def test_page_keeps_what_was_written_by_hand() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert replace_results(page, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_page_without_markers_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="needs the lines"):
        replace_results("by hand", "new")


def test_documentation_has_room_for_results() -> None:
    assert "new" in replace_results(PAGE.read_text("utf-8"), "new")


def test_data_have_the_announced_number_of_shared_and_alike_records() -> None:
    data = Data(1000)
    assert sum(data.is_shared(index) for index in range(1000)) == SHARED
    ranks = [data.make_record(index)["rank"] for index in range(1000)]
    assert ranks.count(data.choose_values()[0]) == data.alike


def test_mixed_load_is_nine_reads_for_each_write() -> None:
    mixed = mix_calls([make_call("GET", "/a")], [make_call("POST", "/b")] * 10)
    assert [call.method for call in mixed].count("GET") == 90
    assert len(mixed) == 100


def test_samples_have_each_method() -> None:
    calls = [make_call("GET", "/1"), make_call("POST", "/2"), make_call("GET", "/3")]
    assert [call.path for call in choose_samples(calls)] == ["/1", "/3", "/2", "/2"]


def test_answer_with_another_body_is_wrong() -> None:
    check = expect_json(lambda body: body["id"] == "a", 200)
    assert check(Reply(200, {}, b'{"id": "a"}')) == ""
    assert "unexpected body" in check(Reply(200, {}, b'{"id": "b"}'))
    assert "unexpected body" in check(Reply(200, {}, b"[]"))
    assert "status 404" in check(Reply(404, {}, b'{"id": "a"}'))


@pytest.mark.parametrize("grown", [100, 164])
def test_growth_may_have_requests_that_were_under_way(grown: int) -> None:
    check_growth(grown, adds=1, answered=100, connections=32)


@pytest.mark.parametrize("grown", [99, 165])
def test_growth_that_differs_from_the_answers_is_an_error(grown: int) -> None:
    with pytest.raises(BenchmarkError, match=f"{grown} new records"):
        check_growth(grown, adds=1, answered=100, connections=32)


def test_memory_is_the_proportional_set_size() -> None:
    assert read_pss_bytes("Rss:  9 kB\nPss:  2 kB\nPss_Dirty: 1 kB\n") == 2048


def test_beginning_of_a_name_means_all_that_have_it() -> None:
    options = parse_arguments(["--only", "post,get"])
    assert options.only == ("get", "post-1", "post-32", "post-64")
    assert parse_arguments([]).only == NAMES


@pytest.mark.parametrize(
    "arguments", [["--only", "nothing"], ["--peers", "mongo"], ["--rounds", "0"]]
)
def test_unreadable_option_stops_the_start(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(arguments)
    assert f"argument {arguments[0]}" in capsys.readouterr().err
