"""The example names every setting that exists, with the default it has, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic_core import PydanticUndefined

from services.analytics.settings import Settings as Analytics
from services.gateway.settings import Settings as Gateway
from services.settings import MachineSettings
from services.syncer.settings import Settings as Syncer
from services.webhooks.settings import Settings as Webhooks

EXAMPLE = Path(__file__).parents[3] / ".env.example"
LINE = re.compile(r"^([A-Z_]+)=(\S*)(?:\s+#.*)?$", re.MULTILINE)
# Other names for settings that the example has under their first name.
ALIASES = {
    "SHOPIFY_API_KEY",
    "SHOPIFY_API_SECRET",
    "SHOPIFY_APP_CLIENT_ID",
    "SHOPIFY_APP_CLIENT_SECRET",
}
SERVICES = (Gateway, Webhooks, Syncer, Analytics)


def defaults() -> dict[str, object]:
    return {
        name.upper(): field.default
        for settings in (MachineSettings, *SERVICES)
        for name, field in settings.model_fields.items()
    }


def test_every_setting_is_in_the_example_and_nothing_else_is() -> None:
    named = {name for name, _ in LINE.findall(EXAMPLE.read_text())}

    assert named == defaults().keys() - ALIASES


def test_the_example_shows_the_defaults() -> None:
    shown = {name: value for name, value in LINE.findall(EXAMPLE.read_text()) if value}
    true = defaults()

    wrong = {
        name: (value, true[name])
        for name, value in shown.items()
        if true[name] is PydanticUndefined or not same(value, true[name])
    }
    assert wrong == {}


def same(shown: str, default: object) -> bool:
    if isinstance(default, bool):
        return shown == str(default).lower()
    return float(shown) == default if isinstance(default, int | float) else shown == str(default)
