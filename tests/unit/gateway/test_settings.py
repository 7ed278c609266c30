from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.gateway.settings import Settings

NEEDED = {
    "APP_ENV": "test",
    "DATABASE_URL": "postgresql://x",
    "SHOPIFY_CLIENT_ID": "client",
    "SHOPIFY_CLIENT_SECRET": "hush",
    "SHOPIFY_ENCRYPTION_KEY": "a" * 43,
    "JWT_SECRET": "x" * 32,
}


def read(monkeypatch, without=(), **changed):
    for name in ("SHOPIFY_API_KEY", "SHOPIFY_API_SECRET", "SHOPIFY_BASE_URL", "SHOPIFY_SCOPES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (NEEDED | changed).items():
        monkeypatch.setenv(name, value)
    for name in without:
        monkeypatch.delenv(name)
    return Settings()


@pytest.mark.parametrize(
    ("names", "other"),
    [("SHOPIFY_CLIENT_ID", "SHOPIFY_API_KEY"), ("SHOPIFY_CLIENT_ID", "SHOPIFY_APP_CLIENT_ID")],
)
def test_another_name_for_the_client_id_fills_it(monkeypatch, names, other):
    assert read(monkeypatch, [names], **{other: "c2"}).shopify_client_id == "c2"
    assert read(monkeypatch, **{other: "client"}).shopify_client_id == "client"


def test_another_name_for_the_secret_fills_it(monkeypatch):
    settings = read(monkeypatch, ["SHOPIFY_CLIENT_SECRET"], SHOPIFY_API_SECRET="s2")

    assert settings.shopify_client_secret.get_secret_value() == "s2"


def test_two_names_that_differ_stop_the_start_without_telling_the_secret(monkeypatch):
    with pytest.raises(ValidationError) as caught:
        read(monkeypatch, SHOPIFY_API_SECRET="another-secret")

    assert "SHOPIFY_CLIENT_SECRET and SHOPIFY_API_SECRET differ" in str(caught.value)
    assert "another-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "changed",
    [
        {"JWT_SECRET": "x" * 31},
        {"SHOPIFY_CLIENT_SECRET": ""},
        {"SHOPIFY_ENCRYPTION_KEY": "not-a-key"},
        {"SHOPIFY_BASE_URL": "http://127.0.0.1:9400/"},
        {"APP_ENV": "production"},
        {"APP_ENV": "production", "PUBLIC_BASE_URL": "http://x.example"},
        {"APP_ENV": "production", "PUBLIC_BASE_URL": "https://x.example",
         "SHOPIFY_BASE_URL": "http://127.0.0.1:9400/{shop}"},
    ],
)  # fmt: skip
def test_settings_that_would_be_unsafe_stop_the_start(monkeypatch, changed):
    with pytest.raises(ValidationError):
        read(monkeypatch, **changed)


def test_the_callback_is_under_our_public_address(monkeypatch):
    settings = read(monkeypatch, APP_ENV="production", PUBLIC_BASE_URL="https://till.example/")

    assert settings.redirect_uri == "https://till.example/api/v1/shopify/oauth/callback"
    assert {"read_orders", "write_products", "read_locations"} <= set(settings.scopes)


def test_empty_means_unset(monkeypatch):
    settings = read(monkeypatch, SHOPIFY_SCOPES="", JWT_TTL="", SHOPIFY_CLIENT_SECRET_PREVIOUS="")

    assert "read_orders" in settings.scopes
    assert settings.jwt_ttl == 900
    assert settings.shopify_client_secret_previous is None
