"""What the syncer reads from its environment."""

from __future__ import annotations

import pytest

from services.syncer.settings import Settings
from shared import keyring


def settings(**given: str) -> Settings:
    needed = {
        "database_url": "postgresql://db",
        "shopify_client_secret": "secret",
        "shopify_encryption_key": keyring.generate_key(),
    }
    return Settings(**(needed | given))


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, ""),
        (
            {"public_base_url": "https://till.example"},
            "https://till.example/api/v1/shopify/webhooks",
        ),
        ({"public_base_url": "https://t.example/"}, "https://t.example/api/v1/shopify/webhooks"),
        # Shopify delivers by https only: a machine without it gets no subscriptions.
        ({"public_base_url": "http://127.0.0.1:8080"}, ""),
        (
            {"public_base_url": "https://t.example", "shopify_webhook_url": "https://in.example/x"},
            "https://in.example/x",
        ),
    ],
)
def test_deliveries_come_to_the_address_given_or_to_where_we_are_reached(
    given: dict[str, str], address: str
) -> None:
    assert settings(**given).shopify_webhook_url == address


def test_the_environment_says_where_we_are_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://till.example")
    monkeypatch.delenv("SHOPIFY_WEBHOOK_URL", raising=False)

    assert settings().shopify_webhook_url == "https://till.example/api/v1/shopify/webhooks"
