"""Small JSON files that only their owner may read: generated passwords, keys and ports."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from customer_behavior.local.errors import LocalStackError


def private_directory(path: Path) -> Path:
    """Create ``path`` for its owner alone. One that exists keeps the permissions its owner gave it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Write ``text`` so that a reader sees the old file or the new one, and nobody else sees either."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    draft.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The content of ``path``, or nothing if there is no such file."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise LocalStackError(f"{path} belongs to another user: run this as the user who started it first.") from None
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Store ``content`` privately."""
    write_private(path, json.dumps(content, indent=2) + "\n")
