"""Consent: a no is never lost, in whatever words, from whichever source, in whatever order the deliveries are loaded."""

from __future__ import annotations

import random
import shutil
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
import yaml

from customer_behavior.errors import ConfigurationError
from customer_behavior.ingest.dimensions.source import load_dimension
from customer_behavior.paths import config_dir
from customer_behavior.stages import ingest_events

ONE, TWO, THREE, LATER = date(2024, 3, 5), date(2024, 3, 6), date(2024, 3, 7), date(2024, 12, 31)
NO, UNREADABLE, UNKNOWN = (
    "no consent to be contacted",
    "no consent to be contacted: what was delivered could not be read",
    "consent to be contacted is not known",
)


class Shop:
    """Deliver files of customers, load them, and read whom marketing must leave alone."""

    def __init__(self, warehouse, folder, monkeypatch) -> None:
        self.warehouse, self.folder = warehouse, folder
        shutil.copytree(config_dir(), folder / "config")
        (folder / "dimensions").mkdir()
        monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(folder / "config"))
        monkeypatch.setenv("CUSTOMER_BEHAVIOR_DIMENSIONS", str(folder / "dimensions"))

    def configure(self, **changes) -> None:
        path = self.folder / "config" / "shop.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))

    def dimension(self, name: str, text: str = "", **changes) -> None:
        plain = {
            "description": "Tests' own", "kind": "customers", "path": f"{name}/{{date}}.csv", "reject_limit": 0.5,
            "columns": {"customer_id": "id", "consent": "ok", "country": "land"},
        }  # fmt: skip
        (self.folder / "dimensions" / f"{name}.yaml").write_text(text or yaml.safe_dump({**plain, **changes}))

    def land(self, name: str, day: date, *lines: str, header: str = "id,ok,land") -> None:
        path = self.folder / "landing" / name / f"{day}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *lines]) + "\n")

    def load(self, name: str, day: date) -> dict:
        return ingest_events.load_delivery(self.warehouse, name, day, landing=self.folder / "landing", run_id="test")

    def deliver(self, name: str, day: date, *lines: str) -> dict:
        self.land(name, day, *lines)
        return self.load(name, day)

    def query(self, statement: str, role: str | None = None, **parameters) -> list[tuple]:
        with self.warehouse.begin(role) as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]

    def suppressed(self) -> dict[str, tuple]:
        rows = self.query(
            "SELECT customer_id, reason, source, since FROM marketing.suppression_now", "marketing_reader"
        )
        assert len({who for who, *_ in rows}) == len(rows)
        return {who: tuple(rest) for who, *rest in rows}

    def known_at(self, day: date) -> dict[str, bool]:
        return dict(self.query("SELECT customer_id, consent FROM raw.consents_at(:day)", day=day))


@pytest.fixture
def shop(warehouse, tmp_path, monkeypatch):
    """A shop with a dimension of customers, crm."""
    shop = Shop(warehouse, tmp_path, monkeypatch)
    shop.dimension("crm", values={"consent": {"granted": "true", "denied": "false", "unsaid": ""}})
    shop.configure(dimensions=["crm"])
    return shop


def test_a_blank_takes_nothing_back_and_a_word_that_cannot_be_read_is_a_no(shop, caplog):
    shop.deliver("crm", ONE, "ben,denied,FR", "cat,granted,FR", "dan,granted,FR", "eve,,FR")
    result = shop.deliver("crm", TWO, "ben,,DE", "cat,withdrawn,FR", "dan,,FR")
    assert result == {
        "source": "crm", "rows_read": 3, "rows_accepted": 3, "rows_rejected": 0, "rows_duplicate": 0, "consents_unreadable": 1
    }  # fmt: skip
    assert "1 consents could not be read and count as no, for example 'withdrawn'" in caplog.text
    assert shop.suppressed() == {
        "ben": (NO, "crm", ONE),
        "cat": (UNREADABLE, "crm", TWO),
        "eve": (UNKNOWN, None, None),
    }
    assert shop.query("SELECT country FROM raw.customers WHERE customer_id = 'ben' AND valid_to IS NULL") == [("DE",)]
    assert shop.known_at(TWO) == {"ben": False, "cat": True, "dan": True}
    assert shop.known_at(THREE) == {"ben": False, "cat": False, "dan": True}


def test_any_source_s_no_holds_over_another_s_newer_yes_until_that_source_says_yes(shop):
    shop.dimension("newsletter", values={"consent": {"unsubscribed": "no", "subscribed": "yes"}})
    shop.deliver("newsletter", ONE, "ann,unsubscribed,FR")
    shop.deliver("crm", TWO, "ann,granted,FR")
    assert shop.suppressed() == {"ann": (NO, "newsletter", ONE)}
    shop.deliver("newsletter", THREE, "ann,Subscribed,FR")
    assert shop.suppressed() == {}
    assert [shop.known_at(day) for day in (ONE, TWO, THREE, LATER)] == [{}, *[{"ann": False}] * 2, {"ann": True}]


def test_whoever_disappears_from_a_full_file_keeps_what_they_said(shop):
    shop.deliver("crm", ONE, "ann,denied,FR", "bob,granted,FR")
    shop.deliver("crm", TWO, "bob,granted,FR")
    shop.deliver("crm", THREE)
    assert shop.suppressed() == {"ann": (NO, "crm", ONE)}


@pytest.mark.parametrize("lines", [("ann,denied,FR", "ann,granted,DE"), ("ann,granted,FR", "ann,denied,DE")])
def test_of_two_rows_in_one_delivery_the_no_holds_and_the_last_country(shop, lines):
    result = shop.deliver("crm", ONE, *lines)
    assert (result["rows_accepted"], result["rows_duplicate"]) == (1, 1)
    assert shop.query("SELECT consent, country FROM raw.customer_versions") == [(False, "DE")]


def test_two_files_of_one_delivery_are_one(shop):
    shop.dimension("parts", path="parts/{date}*.csv")
    shop.land("parts", ONE, "ann,no,FR")
    (shop.folder / "landing" / "parts" / f"{ONE}-2.csv").write_text("id,ok,land\nann,yes,FR\n")
    shop.load("parts", ONE)
    assert shop.suppressed() == {"ann": (NO, "parts", ONE)}


def test_a_file_that_is_gone_does_not_take_its_no_with_it_and_a_corrected_one_does(shop, caplog):
    first = shop.deliver("crm", ONE, "ann,denied,FR")
    path = shop.folder / "landing" / "crm" / f"{ONE}.csv"
    path.unlink()
    assert shop.load("crm", ONE) == first
    assert "no file has landed; what it delivered before stays" in caplog.text
    assert shop.suppressed() == {"ann": (NO, "crm", ONE)}
    assert shop.query("SELECT status, rows_accepted FROM raw.ingest_batches") == [("loaded", 1)]
    shop.deliver("crm", ONE, "ann,granted,FR")
    assert shop.suppressed() == {}


def test_a_refused_line_of_a_customer_counts_as_no(shop):
    shop.deliver("crm", ONE, *(f"{who},granted,FR" for who in ("ann", "bob", "cat", "dan")))
    shop.land("crm", TWO, "ann,denied", 'bob,denied,"FR', "dan,granted,FR", "eve,granted,FR")
    path = shop.folder / "landing" / "crm" / f"{TWO}.csv"
    path.write_bytes(path.read_bytes() + b"cat,denied,K\xf6ln\ndan,denied,Korea, South\n" + b"x,yes,FR\ny,yes,FR\n")
    result = shop.load("crm", TWO)
    assert (result["rows_read"], result["rows_accepted"], result["rows_rejected"]) == (8, 4, 4)
    assert result["consents_unreadable"] == 4
    assert shop.suppressed() == dict.fromkeys(("ann", "bob", "cat", "dan"), (UNREADABLE, "crm", TWO))


YES_WORDS = (
    "true",
    "TRUE",
    " True ",
    "yes",
    "Y",
    "1",
    "t",
    "on",
    "granted",
    "GRANTED",
    "\u00a0granted\t",
    "granted\u200b",
)
NO_WORDS = ("false", "no", "No ", "N", "0", "f", "off", "denied", " DENIED\u00a0")
OTHER_WORDS = (
    "withdrawn",
    "opt-out",
    "bounced",
    "unknown",
    "?",
    "NULL",
    "2",
    "-1",
    "1.5",
    "granted?",
    "grantedd",
    "nope",
    "'yes'",
)


def test_words_of_consent(shop):
    words = [*YES_WORDS, *NO_WORDS, *OTHER_WORDS, "", "  ", "\u00a0", "unsaid", "UNSAID "]
    shop.deliver("crm", ONE, *(f"c{n},{word},FR" for n, word in enumerate(words)))
    read: dict[str, list[str]] = {word: [] for word in ("yes", "no", "unreadable", "nothing")}
    rows = shop.query("SELECT customer_id, consent, consent_unreadable FROM raw.customer_versions ORDER BY 1")
    for who, consent, unreadable in rows:
        outcome = "nothing" if consent is None else "yes" if consent else "unreadable" if unreadable else "no"
        read[outcome].append(words[int(who[1:])])
    assert {name: sorted(found) for name, found in read.items()} == {
        "yes": sorted(YES_WORDS),
        "no": sorted(NO_WORDS),
        "unreadable": sorted(OTHER_WORDS),
        "nothing": sorted(["", "  ", "\u00a0", "unsaid", "UNSAID "]),
    }


YAML = """
description: Words as a person writes them
kind: customers
path: mine/{date}.csv
columns: {customer_id: id, consent: ok, country: land}
values: {consent: %s}
"""


@pytest.mark.parametrize(
    ("values", "yes", "no"),
    [
        ("{yes: true, no: false}", ("yes", "true", "1"), ("no", "false", "0")),
        ("{1: false, 0: true}", ("0", "yes"), ("1", "no")),  # the column says who opted out
        ("{yes: no, no: yes}", ("no", "off", "false", "1"), ("yes", "on", "true", "0")),
        ("{Opt-In: Yes, opt-out: No}", ("OPT-IN", "yes"), ("Opt-Out", "no")),
        ("{double  opt in: 'true'}", ("Double Opt In", "double   opt in"), ("opt in",)),
    ],
)
def test_values_say_what_words_mean(shop, values, yes, no):
    shop.dimension("mine", YAML % values)
    shop.deliver("mine", ONE, *(f"{word}|{n},{word},FR" for n, word in enumerate((*yes, *no))))
    said = {who.split("|")[0]: consent for who, consent in shop.known_at(LATER).items()}
    assert said == {**dict.fromkeys(yes, True), **dict.fromkeys(no, False)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("{granted: tru}", "'tru' is neither true nor false"),
        ("{Granted: yes, granted: no}", "'granted' is given two meanings"),
    ],
)
def test_values_that_mean_nothing_or_two_things_are_named(shop, values, message):
    shop.dimension("mine", YAML % values)
    with pytest.raises(ConfigurationError, match=rf"mine\.yaml: .*{message}"):
        load_dimension("mine")


def test_a_list_of_ids_alone_is_a_list_of_noes(shop):
    shop.dimension("stop", columns={"customer_id": "id"}, constants={"consent": False})
    shop.deliver("crm", ONE, "ann,granted,FR", "bob,granted,FR")
    shop.land("stop", ONE, "bob", header="id")
    shop.load("stop", ONE)
    assert shop.suppressed() == {"bob": (NO, "stop", ONE)}
    for constants, message in (
        ({"consent": "nope"}, "neither true nor false"),
        ({"customer_id": "x"}, "part of the key"),
        ({"colour": "x"}, "no column of customers"),
    ):
        shop.dimension("bad", columns={"customer_id": "id"}, constants=constants)
        with pytest.raises(ConfigurationError, match=message):
            load_dimension("bad")


@pytest.mark.parametrize(
    ("setting", "suppressed", "why"),
    [
        (None, True, "crm delivers consent"),
        ("suppress", True, "shop.yaml says consent_unknown: suppress"),
        ("allow", False, "shop.yaml says consent_unknown: allow"),
    ],
)
def test_what_an_unknown_consent_means(shop, setting, suppressed, why):
    shop.configure(consent_unknown=setting)
    shop.deliver("crm", ONE, "ann,,FR", "bob,no,FR")
    assert shop.suppressed() == {"bob": (NO, "crm", ONE), **({"ann": (UNKNOWN, None, None)} if suppressed else {})}
    [(unknown, said)] = shop.query("SELECT unknown, why FROM raw.consent_rule")
    assert unknown == ("suppress" if suppressed else "allow")
    assert why in said


def test_customers_delivered_without_consent_leave_nobody_alone(shop):
    shop.dimension("lands", columns={"customer_id": "id", "country": "land"})
    shop.configure(dimensions=["lands"])
    shop.deliver("lands", ONE, "ann,,FR")
    assert shop.suppressed() == {}
    [(why,)] = shop.query("SELECT why FROM raw.consent_rule")
    assert why.startswith("consent is not managed here")


SAYS = {"granted": True, "YES": True, "denied": False, "no": False, "withdrawn": False, "": None, " ": None}


def expected(deliveries: dict, before: date) -> dict[str, tuple]:
    """The rule, slowly: {customer: (consent, source, since)}, from {(source, day): [(customer, word)]}."""
    found = {}
    for who in {who for rows in deliveries.values() for who, _ in rows}:
        noes, consents = [], []
        for source in sorted({source for source, _ in deliveries}):
            said = []
            for day in sorted(day for name, day in deliveries if name == source and day < before):
                words = [SAYS[word] for whom, word in deliveries[source, day] if whom == who and SAYS[word] is not None]
                if words:
                    said.append((all(words), day))
            if said:
                consents.append(said[-1][0])
                if not said[-1][0]:
                    start = len(said)
                    while start and not said[start - 1][0]:
                        start -= 1
                    noes.append((said[start][1], source))
        since, source = min(noes, default=(None, None))
        found[who] = (all(consents) if consents else None, source, since)
    return found


@pytest.mark.parametrize("seed", range(8))
def test_in_any_order_of_loading_nobody_who_said_no_is_contactable(shop, seed):
    draw = random.Random(seed)
    sources = ["crm", "web", "app"][: draw.randint(1, 3)]
    for name in sources:
        shop.dimension(name, values={"consent": {"granted": "true", "denied": "false"}})
    days = [ONE + timedelta(days=n) for n in range(draw.randint(2, 5))]
    deliveries: dict[tuple[str, date], list[tuple[str, str]]] = {}

    def rows() -> list[tuple[str, str]]:
        return [(f"c{draw.randrange(12)}", draw.choice(list(SAYS))) for _ in range(draw.randint(0, 14))]

    steps = [(name, day) for name in sources for day in days]
    draw.shuffle(steps)
    for name, day in steps + draw.sample(steps, k=min(3, len(steps))):  # some are delivered again, otherwise
        deliveries[name, day] = rows()
        shop.deliver(name, day, *(f"{who},{word},FR" for who, word in deliveries[name, day]))
        if draw.random() < 0.2:
            shop.load(name, day)
        # All that was loaded so far counts, however it came.
        now = expected(deliveries, LATER)
        suppressed = shop.suppressed()
        stored = shop.query("SELECT customer_id, consent, source, since FROM raw.customer_consents")
        assert {who: tuple(rest) for who, *rest in stored if who in now} == now
        # Whoever a corrected delivery no longer names is not known, and is left alone as well.
        assert {who for who, (consent, *_) in now.items() if consent is not True} == set(suppressed) & set(now)
        assert all(consent is None for who, consent, *_ in stored if who not in now)
    for day in (*days, LATER):
        known = {who: said for who, (said, *_) in expected(deliveries, day).items() if said is not None}
        assert shop.known_at(day) == known
