"""What compose hands to each container: every setting it reads, and no secret of another."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

from services.analytics.settings import Settings as Analytics
from services.gateway.settings import Settings as Gateway
from services.syncer.settings import Settings as Syncer
from services.webhooks.settings import Settings as Webhooks

SETTINGS = {"gateway": Gateway, "webhooks": Webhooks, "syncer": Syncer, "analytics": Analytics}
# Inside its container a service listens where the proxy and the probes look for it.
FIXED = {f"{name.upper()}_PORT" for name in SETTINGS}


def environment_of(service: str) -> dict[str, str | None]:
    text = (Path(__file__).parents[3] / "docker-compose.yml").read_text()
    environment: dict[str, str | None] = yaml.safe_load(text)["services"][service]["environment"]
    return environment


@pytest.mark.parametrize(("service", "settings"), SETTINGS.items())
def test_a_service_is_told_every_setting_it_reads_and_no_other(
    service: str, settings: type[BaseSettings]
) -> None:
    read = {name.upper() for name in settings.model_fields} - FIXED

    assert environment_of(service).keys() == read


def test_the_simulator_gets_its_secret_by_environment() -> None:
    assert environment_of("simulator").keys() == {"SIMULATOR_CLIENT_SECRET"}
