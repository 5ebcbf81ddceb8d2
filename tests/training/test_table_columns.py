"""What a stranger's columns are taken for, and what is said of the values that are not."""

import json
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from customer_behavior.errors import BadInputError
from customer_behavior.training.table.answers import read_labels
from customer_behavior.training.table.files import read_table
from customer_behavior.training.table.kinds import read_feature, texts_of
from customer_behavior.training.table.times import read_stamps


def feature(*values, times: int = 1):
    return read_feature("it", pd.Series(list(values) * times, dtype=object))


def numbers(*values):
    return feature(*values).values.to_list()


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["1", "2.5", "-3"], [1, 2.5, -3]),
        (["3,50", "1.299", "1.299,95"], [3.5, 1299, 1299.95]),
        (["3.50", "1,299", "1,299.95"], [3.5, 1299, 1299.95]),
        (["1,299,000", "12"], [1_299_000, 12]),
        (["1 299,5", "1\u00a0000,5", "2\u202f000,5"], [1299.5, 1000.5, 2000.5]),
        (["1'299.50", "1’000"], [1299.5, 1000]),
        (["€ 5", "7 €", "-€3", "EUR 4", "4 EUR"], [5, 7, -3, 4, 4]),
        (["$1,000.00", "($20.00)", "-$5.00"], [1000, -20, -5]),
        (["5%", "12.5 %"], [5, 12.5]),
        (["5", "N/A", "-", "", "null", "#N/A", None, "nan"], [5, *[np.nan] * 7]),
        ([1, "2", 3.5, Decimal("4.25"), np.int64(5)], [1, 2, 3.5, 4.25, 5]),
        (["yes", "No", None, "TRUE"], [1, 0, np.nan, 1]),
        ([True, False, None], [1, 0, np.nan]),
        (["1e3", "2E-1", ".5", "7."], [1000, 0.2, 0.5, 7]),
        ([10**25, 1], [1e25, 1]),
        (["2024-01-01", "1970-01-02"], [1_704_067_200, 86_400]),
        ([date(1970, 1, 2), datetime(1970, 1, 1, 1)], [86_400, 3_600]),
        (["13/01/1970", "02/01/1970"], [12 * 86_400, 86_400]),
        ([None, None], [np.nan, np.nan]),
    ],
)
def test_numbers_in_any_dress_are_numbers(given, read):
    found = feature(*given)
    assert found.values.dtype == np.float32
    np.testing.assert_allclose(found.values, np.array(read, dtype=np.float32), rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ([*["unknown"] * 3, *(str(n + 0.5) for n in range(60))], {"unknown": 3}),
        (["2024-03-05"] + [str(n) for n in range(9)], {"2024-03-05": 1}),
        ([[1], *range(9)], {"[1]": 1}),
        ([{"a": 1}, *range(9)], {'{"a": 1}': 1}),
        (["soon"] + [f"2024-03-{n:02d}" for n in range(1, 20)], {"soon": 1}),
    ],
)
def test_texts_among_values_are_missing_and_said(given, left):
    found = feature(*given)
    assert found.values.isna().sum() == sum(left.values())
    [said] = [one for one in found.findings if one.finding == "texts_among_values"]
    assert said.details == {"column": "it", "rows": sum(left.values()), "values": left}
    assert all(repr(text) in said.statement for text in left)
    json.dumps(said.details)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            [text for n in range(60) for text in (n + 0.5, f"t{n}")],
            r"column it: 60 values are numbers, as '0.5', and 60 are not, as 't0'",
        ),
        ([text for n in range(1, 29) for text in (f"2024-02-{n:02d}", f"t{n}")], "28 values are dates"),
        (["3,50", "3.50"], "column it: '3,50' has a decimal comma and '3.50' a decimal point"),
        (["1.299,50", "1,299.50"], "decimal comma"),
        (["5%", "0.05"], "'5%' is in percent and '0.05' is not"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_way_out(given, says):
    with pytest.raises(BadInputError, match=says) as refused:
        feature(*given)
    assert "--leave-out 'it'" in str(refused.value)


def test_codes_names_and_lists_are_categories():
    for given in (
        ["1", "2", "A", "B"],
        ["red", None, "blue"],
        [[1, 2], [3]],
        [{"a": 1}, {"b": 2}],
        ["10:30", "11:15"],
        ["0a1", "77"],
    ):
        found = feature(*given, times=3)
        assert found.values.dtype == object
        assert found.values.notna().sum() == 3 * sum(one is not None for one in given)
        assert not found.findings


def test_endless_and_too_large_numbers_are_missing_and_said():
    found = read_feature("it", pd.Series([np.inf, -np.inf, 1e39, 1.0]))
    assert found.values.isna().tolist() == [True, True, True, False]
    assert "3 values of it are infinite" in found.findings[0].statement
    assert feature("inf", *range(9)).findings[0].finding == "endless_numbers"


def test_a_number_for_each_row_is_said_to_look_like_an_id_and_amounts_are_not():
    assert [one.finding for one in read_feature("it", pd.Series(range(1000, 1100))).findings] == ["column_of_ids"]
    assert not read_feature("it", pd.Series(np.arange(100) / 7)).findings
    assert not read_feature("it", pd.Series([1, 2] * 100)).findings


def test_what_was_taken_off_is_said():
    said = feature("1.299,50 €", "3,00 €").findings[0].statement
    assert said == "it is read as numbers: a comma as the decimal sign, a point between thousands, € taken off"
    assert "2 currencies ($, €) taken as they stand" in feature("$5", "€7").findings[0].statement


def labels(*values, kind="probability", yes=None):
    return read_labels("it", texts_of(pd.Series(list(values), dtype=object)), kind, yes)


@pytest.mark.parametrize(
    ("given", "yes", "read", "says"),
    [
        (["yes", "No", "1", "f", True, None], None, [1, 0, 1, 0, 1, np.nan], ""),
        ([1.0, 0.0], None, [1, 0], ""),
        ([2, 1, 1], None, [1, 0, 0], "'2' counts as yes (1 rows), '1' as no"),
        ([-1, 1], None, [0, 1], "'1' counts as yes"),
        (["stayed", "Stayed", "churned"], None, [0, 0, 1], "'churned' counts as yes (1 rows), 'stayed' as no"),
        (["stayed", "stayed", "churned"], "Stayed", [1, 1, 0], "'stayed' counts as yes"),
        (["yes", "cancelled", "cancelled"], None, [1, 0, 0], "'yes' counts as yes"),
        (["no", "no", "bought", "bought", "bought"], None, [0, 0, 1, 1, 1], "'bought' counts as yes"),
        (["a", "b", "c", "a"], "a", [1, 0, 0, 1], "'a' counts as yes (2 rows), 'b', 'c' as no"),
    ],
)
def test_answers_in_any_two_words_are_read_and_said(given, yes, read, says):
    found, said = labels(*given, yes=yes)
    np.testing.assert_array_equal(found, np.array(read, dtype=float))
    assert (says in said[0].statement) if says else not said


@pytest.mark.parametrize(
    ("given", "options", "says"),
    [
        (["a", "b", "c"], {}, "'a' in row 1 is neither yes nor no .*; it has 3 answers: .* with --yes"),
        ([0, 0.5, 1], {}, "'0.5' in row 2 is neither yes nor no"),
        (["maybe", "maybe"], {}, "'maybe' in row 1 is neither yes nor no"),
        ([None, ""], {}, "column it has no value"),
        (["a", "b"], {"yes": "c"}, "column it has no 'c', which is to be yes; it has 'a', 'b'"),
        ([1, np.inf], {"kind": "amount"}, "is no amount of 0 or more"),
        (["5", "free"], {"kind": "amount"}, "'free' in row 2 is no amount"),
    ],
)
def test_answers_that_are_none_are_refused(given, options, says):
    with pytest.raises(BadInputError, match=says):
        labels(*given, **options)


def test_amounts_may_be_written_as_people_do():
    found, said = labels("12,50 €", "0", None, kind="amount")
    np.testing.assert_array_equal(found, [12.5, 0, np.nan])
    assert "a comma as the decimal sign" in said[0].statement


def stamps(*values):
    column = pd.Series(list(values), dtype=object).infer_objects()
    return [None if pd.isna(one) else str(one.tz_localize(None)) for one in read_stamps("it", column, texts_of(column))]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["2024-05-31", "2024-05-31T10:00:00+02:00", None], ["2024-05-31 00:00:00", "2024-05-31 08:00:00", None]),
        (["05.03.2024", "31.12.2023 10:30"], ["2024-03-05 00:00:00", "2023-12-31 10:30:00"]),
        (["03/05/2024", "12/31/2023"], ["2024-03-05 00:00:00", "2023-12-31 00:00:00"]),
        (["05/03/2024", "31/12/2023"], ["2024-03-05 00:00:00", "2023-12-31 00:00:00"]),
        ([1_709_632_800, 0], ["2024-03-05 10:00:00", "1970-01-01 00:00:00"]),
        (["1709632800000"], ["2024-03-05 10:00:00"]),
        ([1_709_632_800_000_000], ["2024-03-05 10:00:00"]),
        ([20240305, 20231231], ["2024-03-05 00:00:00", "2023-12-31 00:00:00"]),
        (["20240305T101500"], ["2024-03-05 10:15:00"]),
        ([date(2024, 3, 5)], ["2024-03-05 00:00:00"]),
        ([pd.Timestamp("2024-03-05 10:00", tz="Europe/Berlin")], ["2024-03-05 09:00:00"]),
        (["N/A", "2024-03-05"], [None, "2024-03-05 00:00:00"]),
    ],
)
def test_times_are_read_however_they_are_written(given, read):
    assert stamps(*given) == read


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["2024-03-05", "soon"], "column it: 'soon' in row 2 cannot be read as a time; 1 rows"),
        (["03-05"], "it names no year"),
        (["10:30:00"], "it names no year"),
        (["Mar 5"], "it names no year"),
        (["2024-02-30"], "there is no such day"),
        (["9999-12-31"], "cannot be read as a time"),
        ([45_123], "a number is seconds"),
        ([2024], "a number is seconds"),
        (["03/05/2024", "04/06/2024"], "days and months cannot be told apart, '03/05/2024' may begin with either"),
        (["31/05/2024", "05/31/2024"], "'31/05/2024' begins with a day, '05/31/2024' with a month"),
        ([True, False], "cannot be read as a time"),
        ([[1]], "cannot be read as a time"),
    ],
)
def test_times_that_are_none_are_refused_in_a_sentence(given, says):
    with pytest.raises(BadInputError, match=says):
        stamps(*given)


@pytest.mark.parametrize(
    ("content", "columns", "rows"),
    [
        ("a,b\n1,2\n", ["a", "b"], 1),
        ("a;b\n1,5;2\n", ["a", "b"], 1),
        ('"a,x"\tb\n1\t2\n', ["a,x", "b"], 1),
        ("\ufeffa,b\n1,2\n", ["a", "b"], 1),
        ("a,b,,\n1,2,,\n3,4,,\n", ["a", "b"], 2),
        ("a,a\n1,2\n", ["a", "a.1"], 1),
        ("a,,b\n1,2,3\n", ["a", "Unnamed: 1", "b"], 1),
        ("a\n1\n", ["a"], 1),
    ],
)
def test_headers_of_any_kind_are_read(tmp_path, content, columns, rows):
    (tmp_path / "t.csv").write_text(content, encoding="utf-8")
    table = read_table(tmp_path / "t.csv")
    assert list(table.columns) == columns
    assert len(table) == rows


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", b"", "cannot be read"),
        ("t.csv", b"a,b\n1,2,3,4\n1\n1,2,3,4,5\n", "cannot be read"),
        ("t.csv", "größe\n1\n".encode("latin-1"), "not UTF-8"),
        ("t.csv.gz", b"a,b\n", "cannot be read"),
        ("t.jsonl", b'{"a": 1}\n[1]\n', "line 2 is no object"),
        ("t.jsonl", b'{"a": 1}\n{"a"\n', "line 2 is no JSON"),
        ("t.parquet", b"PAR1", "cannot be read"),
    ],
)
def test_files_that_are_broken_are_refused_in_a_sentence(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=says):
        read_table(tmp_path / name)
