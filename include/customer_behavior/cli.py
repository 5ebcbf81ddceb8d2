"""The command line: migrate a warehouse, land data, simulate a shop, check a source, cut a history, train from a table, describe."""

import argparse
import sys
from datetime import date
from pathlib import Path

from customer_behavior.errors import PlatformError
from customer_behavior.paths import landing_dir


def main(arguments: list[str] | None = None) -> None:
    """Run one command; an error meant for a person is printed as its sentence, with exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m customer_behavior", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the warehouse at WAREHOUSE_URL to the newest schema")
    commands.add_parser("land-demo", help="write the demonstration data into LANDING_DIR as daily files")
    _add_simulate(commands.add_parser("simulate", help="write the daily files of a simulated shop"))
    _add_check(commands.add_parser("check-source", help="say what would happen to a file; loads nothing"))
    _add_replay(
        commands.add_parser("replay-rejects", help="load the batches with rejects again, after a source was corrected")
    )
    _add_cut(
        commands.add_parser("cut-history", help="cut one export of a whole history into daily files that can be loaded")
    )
    _add_train_table(
        commands.add_parser("train-table", help="train and judge a model of any table with a label and a time")
    )
    _add_score_table(
        commands.add_parser("score-table", help="ask a model of train-table about the rows of another file")
    )
    commands.add_parser("describe-features", help="print docs/features.md as features.yaml says it")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "migrate":
            _migrate()
        elif asked.command == "simulate":
            _simulate(asked)
        elif asked.command == "check-source":
            _check_source(asked)
        elif asked.command == "replay-rejects":
            _replay_rejects(asked)
        elif asked.command == "cut-history":
            _cut_history(asked)
        elif asked.command == "train-table":
            _train_table(asked)
        elif asked.command == "score-table":
            _score_table(asked)
        elif asked.command == "describe-features":
            _describe_features()
        else:
            _land_demo()
    except PlatformError as error:
        sys.exit(f"error: {error}")


def _migrate() -> None:
    from customer_behavior.stages.migrate_warehouse import upgrade
    from customer_behavior.warehouse import Warehouse

    warehouse = Warehouse.from_environment()
    print(f"warehouse at revision {upgrade(warehouse.url.render_as_string(hide_password=False))}")


def _land_demo() -> None:
    from customer_behavior.demo.complete_journey import land

    print(f"{land(landing_dir())} files written to {landing_dir()}")


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--world", type=Path, required=True, help="the shop and what is planted in it (docs/simulator.md)"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="a folder; clickstream/, manifest.json and more go into it"
    )
    parser.add_argument("--customers", type=_positive, help="customers at the start, in place of the world's")
    parser.add_argument("--days", type=_positive, help="days, in place of the world's")
    parser.add_argument("--seed", type=int, help="seed, in place of the world's")
    parser.add_argument(
        "--events", type=_positive, help="about so many events: more or fewer customers, or, with --customers, visits"
    )
    parser.add_argument("--no-gzip", action="store_true", help="write .csv, not .csv.gz")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def _simulate(asked: argparse.Namespace) -> None:
    from customer_behavior.simulator import changed, load_world, simulate

    world = changed(load_world(asked.world), seed=asked.seed, days=asked.days)
    made = simulate(world, asked.out, events=asked.events, customers=asked.customers, compress=not asked.no_gzip)
    print(f"{made.rows} rows of {made.days} days written to {asked.out}; the truth about them is in {made.manifest}")


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", required=True, help="a file name in include/sources; a new one is drafted")
    parser.add_argument("--file", type=Path, required=True, help="a file as it would land")
    parser.add_argument("--date", type=date.fromisoformat, help="batch date, if it is not in the file's name")
    parser.add_argument(
        "--accept", action="store_true", help="write the draft of a new source, and shop.yaml's part in it"
    )


def _check_source(asked: argparse.Namespace) -> None:
    from customer_behavior.ingest.check import check_file
    from customer_behavior.ingest.report import lines_of
    from customer_behavior.ingest.source import load_source
    from customer_behavior.paths import sources_dir
    from customer_behavior.settings import load_shop

    if not asked.file.is_file():
        sys.exit(f"error: there is no file {asked.file}")
    if not (sources_dir() / f"{asked.source}.yaml").exists():
        _draft_source(asked)
        return
    source = load_source(asked.source)
    report = check_file(source, load_shop(), asked.file, asked.date)
    print("\n".join(lines_of(report, source, asked.file)))
    if asked.accept:
        print(
            f"nothing was written: include/sources/{asked.source}.yaml is there already; remove or rename it for a new draft"
        )
    if not report.usable:
        sys.exit(1)


def _draft_source(asked: argparse.Namespace) -> None:
    from customer_behavior.ingest.drafting.onboarding import accept, lines_about, next_steps, onboard
    from customer_behavior.ingest.report import lines_of
    from customer_behavior.settings import load_shop

    done = onboard(asked.source, asked.file, load_shop(), asked.date)
    print("\n".join(lines_about(done)))
    if done.source and done.report:
        print("\n" + "\n".join(lines_of(done.report, done.source, asked.file)))
    elif done.why_not:
        print(f"\nNOT USABLE: {done.why_not}")
    if asked.accept:
        print("\n".join([*accept(done, asked.source), *next_steps(done, asked.file)]))
        if not (done.report and done.report.usable):
            sys.exit(1)
        return
    sys.exit(
        f"error: there is no source {asked.source!r}; above is a draft for include/sources/{asked.source}.yaml, which ACCEPT=1 writes"
    )


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", required=True)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True, help="first batch date")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True, help="last batch date")
    parser.add_argument("--reason", help="only batches with rejects of this reason")


def _replay_rejects(asked: argparse.Namespace) -> None:
    from customer_behavior.ingest.replay import replay_rejects
    from customer_behavior.settings import load_shop
    from customer_behavior.warehouse import Warehouse

    done = replay_rejects(
        Warehouse.from_environment(),
        load_shop(),
        asked.source,
        asked.first,
        asked.last,
        asked.reason,
        landing=landing_dir(),
    )
    for batch_date, before, after in done:
        print(f"{batch_date}: {before:,} rejects before, {after:,} after")
    if not done:
        print("no batch of that range has such rejects")


def _add_cut(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", required=True, help="a file name in include/sources; daily files go below its path")
    parser.add_argument("--file", type=Path, required=True, help="the export: here, or relative to LANDING_DIR")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, help="first day; the file's by default")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, help="last day, included; the file's by default")


def _cut_history(asked: argparse.Namespace) -> None:
    from customer_behavior.ingest.history import history_file
    from customer_behavior.stages.load_history import cut_history

    landing = landing_dir()
    path = asked.file if asked.file.is_file() else history_file(asked.file.as_posix(), landing)
    cut = cut_history(asked.source, path, landing=landing, first=asked.first, last=asked.last)
    print(f"{cut}\nload them with load_history: source {asked.source}, from {cut.first} to {cut.last}")


def _describe_features() -> None:
    from customer_behavior.features.catalogue import describe
    from customer_behavior.settings import load_settings

    print(describe(load_settings().catalogue), end="")


def _add_train_table(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a .csv, .tsv, .jsonl or .parquet file with a row per case")
    parser.add_argument(
        "--label", required=True, help="column with the answer: yes or no, or with --kind amount an amount"
    )
    parser.add_argument("--time", required=True, help="column with the time at which the other columns were known")
    parser.add_argument("--customer", help="column whose rows belong together; each row for itself by default")
    parser.add_argument("--kind", choices=["probability", "amount"], default="probability")
    parser.add_argument("--yes", metavar="ANSWER", help="the label's answer that counts as yes; every other one is no")
    parser.add_argument("--label-days", type=int, default=0, help="days that the label looks ahead of the time")
    parser.add_argument("--leave-out", nargs="*", default=[], metavar="COLUMN", help="columns that are no features")
    parser.add_argument(
        "--split",
        choices=["time", "random"],
        default="time",
        help="what judges the model: the newest rows, or rows held out at random, which flatters",
    )
    parser.add_argument("--delimiter", help="the sign between the columns of a .csv; found by the header by default")
    parser.add_argument("--out", type=Path, help="folder for the model, its numbers and its report")


def _train_table(asked: argparse.Namespace) -> None:
    from customer_behavior.models import model_id
    from customer_behavior.reporting import render
    from customer_behavior.reporting.training_report import report_data
    from customer_behavior.settings import load_settings
    from customer_behavior.training.table import read_table, summary, train_table, write_results

    trained = train_table(
        read_table(asked.file, asked.delimiter),
        label=asked.label,
        time=asked.time,
        customer=asked.customer,
        kind=asked.kind,
        yes=asked.yes,
        label_days=asked.label_days,
        leave_out=asked.leave_out,
        split=asked.split,
        settings=load_settings().targets.training,
    )
    print("\n".join(summary(trained)))
    if asked.out:
        as_of = date.fromisoformat(trained.model.card["trained_as_of"])
        meaning = f"{asked.label}, as {asked.file.name} has it"
        name = model_id(trained.model.files())
        page = render(report_data(trained, name, as_of, meaning, "rows", load_settings().shop.currency))
        write_results(trained, asked.out, page)
        print(f"written to {asked.out}: model/, evaluations.json, report.html")


def _add_score_table(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, help="a .csv, .tsv, .jsonl or .parquet file with the columns of the model's table"
    )
    parser.add_argument("--model", type=Path, required=True, help="the folder that train-table --out wrote")
    parser.add_argument("--delimiter", help="the sign between the columns of a .csv; found by the header by default")
    parser.add_argument(
        "--out", type=Path, required=True, help="a .csv: the file's own columns, and prediction behind them"
    )


def _score_table(asked: argparse.Namespace) -> None:
    from customer_behavior.training.table import read_model, read_table, score_table

    scored, findings = score_table(read_table(asked.file, asked.delimiter), read_model(asked.model))
    for finding in findings:
        print(f"{finding.severity}: {finding.statement}; {finding.fix}")
    scored.to_csv(asked.out, index=False)
    print(f"{len(scored):,} rows written to {asked.out}")
