"""What one machine tells its services, and what it prints."""

from __future__ import annotations

import pytest

from services.home import Secrets
from services.machine import environment_of
from services.settings import MachineSettings, without_password

SECRETS = Secrets(client_secret="ours", encryption_key="key", jwt_secret="jwt")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch):
    """An environment in which nothing of Shopify is set but what a test sets."""
    for name in ("CLIENT_ID", "CLIENT_SECRET", "API_KEY", "API_SECRET"):
        monkeypatch.delenv(f"SHOPIFY_{name}", raising=False)
    monkeypatch.delenv("APP_ENV", raising=False)
    return monkeypatch.setenv


def told(*, simulated: bool) -> dict[str, str]:
    return environment_of(MachineSettings(), SECRETS, "postgresql://db", simulated=simulated)


def test_the_users_app_and_environment_reach_the_services(shell) -> None:
    shell("APP_ENV", "production")
    shell("SHOPIFY_API_KEY", "their-id")
    shell("SHOPIFY_API_SECRET", "their-secret")

    environment = told(simulated=False)

    assert environment["APP_ENV"] == "production"
    assert environment["SHOPIFY_API_KEY"] == "their-id"
    assert environment["SHOPIFY_CLIENT_SECRET"] == environment["SHOPIFY_API_SECRET"]
    assert MachineSettings().shopify_client_id == "their-id"


def test_a_simulated_store_has_nothing_to_do_with_the_users_app(shell) -> None:
    shell("APP_ENV", "production")
    shell("SHOPIFY_API_KEY", "their-id")
    shell("SHOPIFY_API_SECRET", "their-secret")
    shell("SHOPIFY_CLIENT_ID", "their-id")
    shell("SHOPIFY_SYNC_WINDOW", "1000")

    environment = told(simulated=True)

    assert environment["APP_ENV"] == "development"
    assert environment["SHOPIFY_CLIENT_ID"] == "demo-app"
    assert environment["SHOPIFY_CLIENT_SECRET"] == environment["SIMULATOR_CLIENT_SECRET"] == "ours"
    assert environment["SHOPIFY_SYNC_WINDOW"] == "1000"
    assert not {"SHOPIFY_API_KEY", "SHOPIFY_API_SECRET"} & environment.keys()


def test_without_an_app_up_makes_a_secret_and_is_in_development(shell) -> None:
    environment = told(simulated=False)

    assert environment["SHOPIFY_CLIENT_SECRET"] == "ours"
    assert environment["APP_ENV"] == "development"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("192.168.1.5", "http://192.168.1.5:8080"),
    ],
)
def test_a_service_is_asked_where_it_listens(host: str, url: str) -> None:
    settings = MachineSettings(host=host, gateway_port=8080, simulator_port=9400)

    assert settings.url_of("gateway") == url
    assert settings.url_of("simulator") == "http://127.0.0.1:9400"


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        ("postgresql://me:hidden@host:5432/db", "postgresql://host:5432/db"),
        ("postgresql:///db?host=x&password=hidden", "postgresql:///db?host=x"),
        ("postgresql://h/db?user=me&password=hidden", "postgresql://h/db"),
        (
            "postgresql://postgres@/db?host=%2Frun&port=5433",
            "postgresql:///db?host=%2Frun&port=5433",
        ),
        ("amqp://me:hidden@h:5672/", "amqp://h:5672/"),
    ],
)
def test_a_printed_url_holds_no_password(url: str, printed: str) -> None:
    assert without_password(url) == printed
