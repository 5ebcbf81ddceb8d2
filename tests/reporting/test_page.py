"""The report of a training: what it says, and that it is safe to open."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup

from customer_behavior.evaluation.evaluation import gain_table
from customer_behavior.evaluation.metrics import mean
from customer_behavior.reporting import render
from customer_behavior.settings import Feature
from reporting import simulated

HEADINGS = ["short", "contact", "tenths", "trust", "ranking", "others", "why", "data", "made", "glossary"]
ATTACK = '<script>alert("x")</script>'


def read(page: str) -> BeautifulSoup:
    return BeautifulSoup(page, "lxml")


def text(page: str) -> str:
    return " ".join(read(page).get_text(" ").split())


def points(page: str) -> dict[str, str]:
    [short] = read(page).select("section.short")
    return {head.get_text(): said.get_text() for head, said in zip(short.select("dt"), short.select("dd"), strict=True)}


@pytest.fixture(scope="module")
def data():
    return simulated.purchase()


@pytest.fixture(scope="module")
def page(data):
    return render(data)


def test_the_summary_has_the_numbers_of_the_data(data, page):
    said = points(page)
    best = np.argsort(-data.prediction)[: len(data.label) // 10]
    share, average = data.label[best].mean(), data.label.mean()
    assert said["Finding the right customers"] == (
        f"Of the tenth of the customers with the highest probability it came true for {share:.0%}, ".replace("%", " %")
        + f"{share / average:.1f} times the average of {average:.0%}. ".replace("%", " %")
        + f"That tenth holds {data.label[best].sum() / data.label.sum():.0%} of all it came true for.".replace(
            "%", " %"
        )
    )
    over = data.prediction >= 0.65
    assert f"It came true for {data.label[over].mean():.0%} of them".replace("%", " %") in said["Over 65 %"]
    assert "a contact pays from 12.5 % on" in said["Whom to contact"]
    assert said["What it looks at most"] == "Days since the last purchase, orders in 28 days and revenue in 90 days."
    assert data.decision["reason"] in said["Decision"]


@pytest.mark.parametrize(
    ("accepted", "promoted", "badge", "said"),
    [
        (True, True, "Put into service", "It serves the dates after its training: "),
        (True, False, "Passed the gate, not promoted", "It passed the gate; this run promoted nothing: "),
        (False, False, "Not put into service", "It did not pass the gate; what served before goes on: "),
    ],
)
def test_the_decision_is_said(accepted, promoted, badge, said):
    page = render(replace(simulated.empty(), decision={
        "accepted": accepted, "promoted": promoted, "reason": "log loss 0.1 lower",
        "checks": {"gain": {"low": 0.00123, "passed": accepted}},
    }))  # fmt: skip
    assert points(page)["Decision"] == said + "log loss 0.1 lower."
    assert badge in [one.get_text() for one in read(page).select(".badges li")]
    [row] = [row for row in read(page).select("tr") if "low 0.00123" in row.get_text()]
    assert [cell.get_text() for cell in row.select("th, td")] == [
        "Gain",
        "passed" if accepted else "failed",
        "low 0.00123",
    ]


def test_every_section_and_chart_is_there_with_words_for_who_cannot_see_it(page):
    found = read(page)
    assert [heading["id"] for heading in found.select("h2")] == HEADINGS
    assert {link["href"] for link in found.select("nav a")} == {f"#{name}" for name in HEADINGS[1:]}
    captions = [caption.get_text() for caption in found.select("figcaption b")]
    assert captions == [
        "Profit by threshold.", "Gain.", "Lift.", "Calibration.", "ROC curve.", "Precision and recall.",
        "Area under the ROC curve.", "How much each feature matters.", "In which direction.", "Days since the last purchase.",
        "Orders in 28 days.", "Revenue in 90 days.", "Tuning.",
    ]  # fmt: skip
    for image in found.select("img"):
        assert len(image["alt"]) > 30
        address = re.fullmatch(r"data:image/(svg\+xml|png);base64,(.+)", str(image["src"]))
        assert address is not None
        kind, content = address.groups()
        assert base64.b64decode(content)[:4] == (b"<?xm" if kind == "svg+xml" else b"\x89PNG")


def test_it_loads_nothing_runs_nothing_and_is_small(page):
    found = read(page)
    assert not found.select("script, link, iframe, object, embed, base, form")
    assert not [tag for tag in found.find_all(True) for name in tag.attrs if name.lower().startswith("on")]
    addresses = [
        str(tag[name]) for tag in found.find_all(True) for name in ("src", "href", "srcset") if tag.has_attr(name)
    ]
    assert {re.match(r"#|data:image/", address) is not None for address in addresses} == {True}
    assert "@import" not in page
    assert "url(" not in page
    assert len(page.encode()) < 1_500_000


def test_names_and_values_of_shops_are_written_as_they_are(data):
    rows = len(data.sample)
    sample = data.sample.assign(
        **{ATTACK: np.arange(rows), "country": np.where(np.arange(rows) % 2, ATTACK, "$\\frac$")}
    )
    phrase = Feature(meaning="Price in $ per $x^{2", unit=ATTACK, phrase="{value}", kind="category")
    hostile = replace(
        data,
        sample=sample,
        features=(*data.features, ATTACK, "country"),
        catalogue={**data.catalogue, "country": phrase},
        contributions=np.column_stack([data.contributions, np.linspace(-9, 9, rows), np.linspace(8, -8, rows)]),
        target=ATTACK, meaning=ATTACK, model_id=ATTACK, why=ATTACK, confidence="low", currency=ATTACK, entity=ATTACK,
        findings=[{**data.findings[0], "severity": "warning", "statement": ATTACK, "fix": ATTACK}],
        decision={"accepted": True, "promoted": False, "reason": ATTACK, "checks": {ATTACK: {"passed": False, "worst": ATTACK}}},
        trials=[{**data.trials[1], "parameters": {ATTACK: ATTACK}}], libraries={ATTACK: ATTACK},
        predictions={**data.predictions, ATTACK: data.prediction[::-1]},
        evaluations=[*data.evaluations, {**data.evaluations[-1], "contender": ATTACK}],
    )  # fmt: skip
    page = render(hostile)
    assert not read(page).select("script")
    assert "<script" not in page.lower()
    assert page.count("&lt;script&gt;") > 12
    assert "Price in $ per $x^{2" in text(page)


def test_pages_share_nothing_and_leave_no_figure_behind(data, page):
    plt.close("all")
    mine = plt.figure()
    np.random.random(7)  # whatever chance somebody else has drawn on
    before = np.random.get_state(legacy=False)["state"]["key"].tolist()
    assert render(data) == page
    assert plt.get_fignums() == [mine.number]
    assert np.random.get_state(legacy=False)["state"]["key"].tolist() == before
    plt.close(mine)


def test_the_served_contender_stands_once_and_the_others_are_compared(data, page):
    [table] = [table for table in read(page).select("table") if "Lead in loss" in table.get_text()]
    rows = [[cell.get_text() for cell in row.select("th, td")] for row in table.select("tbody tr")]
    assert [row[0] for row in rows] == ["Tuned trees (serves)", "Logistic regression", "Frequency alone", "Base rate"]
    assert rows[0][-1] == ""
    level = replace(data, evaluations=[{**row, "log_loss_gain_low": -0.0001} for row in data.evaluations])
    assert "no proven difference" in text(render(level))
    assert "the served model is better" not in text(render(level))
    other = replace(data, served="logistic_regression")
    assert points(render(other))["Against simpler methods"].startswith("Served: logistic regression. ")


def test_a_model_that_predicts_the_same_for_all_says_so():
    page = render(simulated.base_rate())
    said = points(page)
    assert "312 rows to fit, fewer than minimum_rows 500" in said["Low confidence"]
    assert said["Nobody stands out"].startswith("The model predicts the same for all customers")
    assert "None of the customers reaches 65 %" in said["Over 65 %"]
    assert [caption.get_text() for caption in read(page).select("figcaption b")] == ["Profit by threshold."]
    assert "There is no best tenth: the model predicts the same for all." in text(page)
    assert "There is nothing to explain" in text(page)


def test_without_test_rows_the_page_still_shows_what_was_found():
    page = render(simulated.empty())
    assert points(page)["Not measured"].startswith("There are no customers on the test dates")
    assert not read(page).select("img")
    assert simulated.purchase().findings[0]["statement"] in text(page)
    assert " nan" not in text(page).lower()


@pytest.mark.parametrize(("value", "of"), [(0.0, "none"), (1.0, "all")])
def test_one_outcome_only_is_said_and_not_measured(value, of):
    page = render(simulated.one_class(value))
    assert f"it came true for {of} of the 500 customers" in points(page)["One outcome only"]
    assert "It cannot be measured: the test dates have one outcome only." in text(page)
    assert not {"ROC curve.", "Calibration.", "Gain."} & {one.get_text() for one in read(page).select("figcaption b")}
    assert " nan" not in text(page).lower()


def test_an_amount_has_tenths_of_spend_and_no_roc():
    data = simulated.spend()
    page = render(data)
    best = np.argsort(-data.prediction, kind="stable")[: len(data.label) // 10]
    said = points(page)["Finding the best customers"]
    assert f"spent {data.label[best].mean():,.2f} USD each" in said
    assert f"the average of {mean(data.label):,.2f} USD" in said
    captions = {one.get_text() for one in read(page).select("figcaption b")}
    assert "Predicted against realised spend." in captions
    assert not {"ROC curve.", "Precision and recall.", "Profit by threshold.", "Calibration."} & captions
    assert not [heading for heading in read(page).select("h2") if heading["id"] in ("contact", "ranking")]
    assert "Whom to contact" not in text(page)
    assert "logarithm of the amount" in text(page)


def test_a_sampled_shop_is_shown_as_the_shop_it_stands_for(data):
    weight = np.where(data.label == 1, 1.0, 5.0)
    gains = gain_table(data.label, data.prediction, weight)
    page = render(replace(data, weight=weight, gains=gains))
    average = np.average(data.label, weights=weight)
    assert f"the average of {100 * average:.1f} %" in points(page)["Finding the right customers"]
    assert "The rows are a sample of a larger shop" in text(page)


def test_categories_are_drawn_by_their_names():
    data = simulated.purchase(400)
    country = np.where(np.arange(400) % 3 == 0, "Denmark", "Norway").astype(object)
    country[::7] = None
    assert data.contributions is not None
    page = render(
        replace(
            data, sample=data.sample.assign(country=country), features=(*data.features, "country"),
            contributions=np.column_stack([data.contributions, np.where(country == "Norway", 5.0, -5.0)]),
        )
    )  # fmt: skip
    assert "Dots at the left edge have no value." in text(page)
    assert "Colours of categories only tell them apart." in text(page)
    assert "country" in points(page)["What it looks at most"].lower()


def test_a_model_that_was_really_trained_explains_itself():
    from customer_behavior.models import BoostedTrees, fit_booster
    from customer_behavior.models.calibration import Platt
    from customer_behavior.targets.outcome import OUTCOMES

    data = simulated.purchase(1500)
    rows = data.sample.assign(label=data.label)
    booster = fit_booster(
        rows,
        data.features,
        {},
        OUTCOMES["probability"],
        {"n_estimators": 40, "max_depth": 3, "learning_rate": 0.1},
        1,
        1,
    )
    model = BoostedTrees(data.features, booster, Platt(1.0, 0.0))
    predicted, contributions = model.explain(rows)
    page = render(
        replace(
            data, predictions={"model": predicted}, contributions=contributions, gains=gain_table(data.label, predicted)
        )
    )
    assert "Days since the last purchase" in points(page)["What it looks at most"]
    assert len(read(page).select("#why ~ figure, #why ~ div figure")) == 5
