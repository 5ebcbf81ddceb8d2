"""A stranger's file: a draft of its source, what shop.yaml should say, and what a load with both would do."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from pydantic import ValidationError

from customer_behavior.errors import ConfigurationError, PlatformError
from customer_behavior.ingest.check import Report, check_file
from customer_behavior.ingest.drafting.draft import Draft, draft_source
from customer_behavior.ingest.drafting.shop_file import changed_shop, with_source
from customer_behavior.ingest.source import Source
from customer_behavior.paths import config_dir, landing_dir, sources_dir
from customer_behavior.settings import Shop
from customer_behavior.settings.base import findings


@dataclass
class Onboarding:
    """A draft, the shop that it asks for, and the check of the file with both; `why_not` says what keeps it from one."""

    draft: Draft
    source: Source | None
    shop: Shop
    changes: dict[str, str | list[str]]
    report: Report | None = None
    why_not: str | None = None


def onboard(name: str, path: Path, shop: Shop, batch_date: date | None = None) -> Onboarding:
    """Return the draft of a new source for a file, with its check."""
    draft = draft_source(name, path, shop)
    changes: dict[str, str | list[str]] = {}
    for key, evidence in draft.shop.items():
        if evidence.value != getattr(shop, key):
            changes[key] = evidence.value
    sources = with_source(shop.sources, name)
    if sources != list(shop.sources):
        changes["sources"] = sources
    fitted = shop.model_copy(
        update={key: tuple(value) if isinstance(value, list) else value for key, value in changes.items()}
    )
    done = Onboarding(draft, None, fitted, changes)
    try:
        done.source = Source.model_validate({**yaml.safe_load(draft.text), "name": name})
        done.report = check_file(done.source, fitted, path, batch_date)
    except ValidationError as error:
        done.why_not = "; ".join(draft.lacks) or findings(error)
    except PlatformError as error:
        done.why_not = "; ".join([*draft.lacks, str(error)])
    return done


def accept(done: Onboarding, name: str) -> list[str]:
    """Write the draft and the changes of shop.yaml; return a sentence for each file.

    Raises
    ------
    ConfigurationError
        When the source is there already, or the draft is none that could be loaded; nothing is written then.
    """
    target, shop_file = sources_dir() / f"{name}.yaml", config_dir() / "shop.yaml"
    if done.source is None:
        raise ConfigurationError(
            f"the draft cannot be accepted as it is: {done.why_not}; save it as {target} and complete it"
        )
    text = changed_shop(shop_file.read_text(), done.changes)
    try:
        with target.open("x") as file:
            file.write(done.draft.text)
    except FileExistsError as error:
        raise ConfigurationError(f"{target} is there already; remove or rename it to have it drafted anew") from error
    said = [f"written: {target}"]
    if done.changes:
        shop_file.write_text(text)
        said.append(f"changed: {shop_file}, {', '.join(done.changes)}")
    return said


def next_steps(done: Onboarding, path: Path) -> list[str]:
    """Return what is to be done with the file once its source is accepted."""
    source, report = done.source, done.report
    if source is None or report is None or not report.usable:
        return ["next: correct the YAML, and ask again until the refusals are those you expect"]
    if report.history:
        below = f"history/{path.name}"
        return [
            f"next: copy {path} to {landing_dir() / below} and run load_history with",
            f'  {{"source": "{source.name}", "file": "{below}"}}',
        ]
    day = report.batch_date or "YYYY-MM-DD"
    return [f"next: copy {path} to {landing_dir() / source.path.format(date=day)} and run ingest_events for {day}"]


def lines_about(done: Onboarding) -> list[str]:
    """Return the draft and what shop.yaml should say, as lines for a person."""
    said = done.draft.text.splitlines()
    if done.changes:
        said += ["", "# shop.yaml should say:"]
        for key, value in done.changes.items():
            words = (
                done.draft.shop[key].said
                if key in done.draft.shop
                else "a date is ready when each of them has its batch"
            )
            said.append(f"#   {key}: {value if isinstance(value, str) else '[' + ', '.join(value) + ']'}   ({words})")
    return said
