"""Rules of single values, on random texts."""

from __future__ import annotations

import math

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_behavior.ingest import ids
from customer_behavior.ingest.ids import exploded_id
from customer_behavior.ingest.numbers import plain_characters, read_number

engine = duckdb.connect()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(plain_characters(None), min_size=1, max_size=8), min_size=1, max_size=40))
def test_a_plain_number_is_the_same_beside_others_that_are_not(texts):
    texts = [text for text in texts if not text.endswith("-")]  # such a column is read by the rule
    query = f"SELECT text, try_cast(text AS DOUBLE), try_cast({read_number('text', None)} AS DOUBLE) FROM unnest($1) AS t(text)"
    for text, plain, ruled in engine.execute(query, [texts]).fetchall():
        assert plain == ruled or (plain is not None and not math.isfinite(plain)), text


@settings(max_examples=150, deadline=None)
@given(st.sets(st.tuples(st.text("A1-2", min_size=1, max_size=6), st.integers(1, 22)), min_size=2, max_size=40))
def test_no_two_items_share_an_id(items):
    query = f"SELECT count(DISTINCT {exploded_id('id', 'item')}) FROM (SELECT unnest($1) AS id, unnest($2) AS item)"
    assert engine.execute(query, [[one for one, _ in items], [n for _, n in items]]).fetchone() == (len(items),)


ODD = (
    *ids.NO_IDS, *ids.NOBODIES, "0", "00", "1001.0", "1001,00", "4.68E+18", "1E+5", "'1001", '="1001"', "{{x}}", "-1", "a\u00a0", " 1",
)  # fmt: skip
LIKELY = st.one_of(
    st.from_regex(ids.PLAIN_ID, fullmatch=True),
    st.text(st.sampled_from("01 9aEe-_:/@#.+,'=\u200b"), max_size=8),
)


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(LIKELY, min_size=1, max_size=40), more=st.sampled_from([(), ("99999", "x 1")]))
def test_what_is_passed_through_untouched_is_what_mending_would_have_left(texts, more):
    def read(field: str, text: str) -> list:
        columns = f"{ids.read_id(field, text, more=more)} AS id, {ids.is_rounded(text)} AS rounded"
        return engine.execute(f"SELECT {columns} FROM (SELECT unnest($1) AS x)", [[*texts, *ODD, *more]]).fetchall()

    for field in ids.ID_FIELDS:
        quick = read(field, ids.trimmed("x"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ids, "is_plain", lambda *_: "false")
            patch.setattr(ids, "PLAIN_TEXT", "never")
            assert read(field, ids.trimmed("x")) == quick
