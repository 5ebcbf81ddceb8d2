"""What the settings of sessions may not say."""

import pytest
import yaml

from customer_behavior.errors import ConfigurationError
from customer_behavior.settings import load_targets
from support import small_shop


@pytest.mark.parametrize(
    "wrong", [{"after_events": [3, 1]}, {"after_events": [0]}, {"after_events": []}, {"silence_minutes": 0}]
)
def test_settings_that_make_no_sense_are_refused(tmp_path, monkeypatch, wrong):
    for name, value in small_shop.configure(tmp_path).items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "config" / "targets.yaml"
    targets = yaml.safe_load(path.read_text())
    targets["sessions"].update(wrong)
    path.write_text(yaml.safe_dump(targets))
    with pytest.raises(ConfigurationError, match=f"sessions.{next(iter(wrong))}"):
        load_targets()
