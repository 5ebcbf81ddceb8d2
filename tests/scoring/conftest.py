"""The shipped configuration, made quick."""

import pytest

from training.shops import small_config


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The shipped configuration, with one source and few, quick training steps."""
    small_config(tmp_path / "config")
    monkeypatch.setenv("CUSTOMER_BEHAVIOR_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"
