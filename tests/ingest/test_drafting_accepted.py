"""Accepting a draft: what is written, what is kept, and the page that tells of it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import yaml

from customer_behavior.ingest.drafting.shop_file import changed_shop
from customer_behavior.paths import INCLUDE_DIR
from support import stranger_files as files
from support.small_shop import configure
from support.stranger_files import check


def test_without_accept_nothing_is_written(landing, capsys):
    config = (landing.parent / "config" / "shop.yaml").read_text()
    assert check("--source", "newshop", "--file", str(files.write(landing, "export.csv", files.till()))) == 1
    said = capsys.readouterr().out
    assert "line_total: Amount" in said and "this file would be loaded" in said
    assert not (landing.parent / "sources" / "newshop.yaml").exists()
    assert (landing.parent / "config" / "shop.yaml").read_text() == config


def test_an_existing_source_is_never_overwritten(landing, capsys):
    path = files.write(landing, "export.csv", files.till())
    assert check("--source", "newshop", "--file", str(path), "--accept") == 0
    target = landing.parent / "sources" / "newshop.yaml"
    target.write_text(target.read_text().replace("Events of", "Mine of"))
    check("--source", "newshop", "--file", str(path), "--accept")
    assert "nothing was written: include/sources/newshop.yaml is there already" in capsys.readouterr().out
    assert "Mine of" in target.read_text()


def test_the_shops_comments_stay(landing):
    shipped = (INCLUDE_DIR / "config" / "shop.yaml").read_text()
    changes: dict[str, str | list[str]] = {"currency": "EUR", "timezone": "Europe/Paris", "sources": ["webshop"]}
    text = changed_shop(shipped, changes)
    assert yaml.safe_load(text) == yaml.safe_load(shipped) | changes
    assert re.findall(r"#.*", text) == re.findall(r"#.*", shipped)
    listed = "sources:   # ours\n  - one\n  - two\ncurrency: USD\n"
    assert changed_shop(listed, {"sources": ["new"]}) == "sources: [new]   # ours\ncurrency: USD\n"


def test_the_documentation_followed_literally(tmp_path):
    """Each command of docs/sources.md under "Bring your own file", as it stands there, save for the place of the interpreter."""
    page = (INCLUDE_DIR.parent / "docs" / "sources.md").read_text()
    section = page.split("## Bring your own file", 1)[1].split("\n## ", 1)[0]
    csv, *commands = re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)
    environment = {**os.environ, **configure(tmp_path), "PYTHONPATH": str(INCLUDE_DIR)}
    (tmp_path / "export_2024-03-25.csv").write_text(csv)
    makefile = (INCLUDE_DIR.parent / "Makefile").read_text()
    recipe = re.search(r"^check-source:.*\n\t@\$\(BIN\)/python (.*)$", makefile, re.MULTILINE)
    assert recipe and "$(if $(ACCEPT),--accept)" in recipe[1]
    said = []
    for command in commands:
        words = shlex.split(command)
        assert words[:2] == ["make", "check-source"]
        given = dict(word.split("=", 1) for word in words[2:])
        asked = ["-m", "customer_behavior", "check-source", "--source", given["SOURCE"], "--file", given["FILE"]]
        asked += ["--accept"] if given.get("ACCEPT") else []
        done = subprocess.run([sys.executable, *asked], cwd=tmp_path, env=environment, capture_output=True, text=True)
        said.append((done.returncode, done.stdout))
    assert [code for code, _ in said] == [1, 0, 0], said
    assert "negative_quantity: return" in said[0][1]
    assert f"written: {tmp_path / 'sources' / 'webshop.yaml'}" in said[1][1]
    assert "0 rejected" in said[2][1] and "this file would be loaded" in said[2][1]
