"""Keys and passwords of one local stack: generated on first use, kept private, never a default."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from customer_behavior.local.secrets_file import private_directory, read_json, write_json


@dataclass(frozen=True)
class Keys:
    """What Airflow's components share, and the password of its one user."""

    fernet_key: str
    jwt_secret: str
    api_secret_key: str
    admin_password: str
    stack_token: str


def load(state_dir: Path) -> Keys:
    """The keys of ``state_dir``, generated if it has none."""
    path = private_directory(state_dir) / "keys.json"
    content = read_json(path)
    if not content:
        content = asdict(
            Keys(
                fernet_key=base64.urlsafe_b64encode(os.urandom(32)).decode(),
                jwt_secret=secrets.token_urlsafe(64),  # HS512 wants 64 bytes
                api_secret_key=secrets.token_urlsafe(32),
                admin_password=secrets.token_urlsafe(15),
                stack_token=secrets.token_hex(16),
            )
        )
        write_json(path, content)
    return Keys(**content)
