"""Settings that several services share; each service extends this with its own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.log import Format


class ServiceSettings(BaseSettings):
    """Read once, from the environment, in ``__main__``. Secrets have no default."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    app_env: Literal["development", "test", "production"] = "production"
    database_url: str
    database_pool_max: int = Field(default=10, ge=2)
    # Empty: the bus lives in Postgres.
    amqp_url: str = ""
    host: str = "127.0.0.1"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Format = "auto"


class ShopifySettings(BaseSettings):
    """How to reach Shopify, and as which app."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    shopify_client_id: str = ""
    shopify_client_secret: SecretStr
    shopify_client_secret_previous: SecretStr | None = None
    shopify_api_version: str = Field(default="2026-10", pattern=r"^20\d\d-(01|04|07|10)$")
    # Only for the simulator, only outside production: ``http://127.0.0.1:9400/shops/{shop}``.
    shopify_base_url: str = ""
    # Comma-separated ring of ``kid:key`` or bare keys, 32 bytes urlsafe base64; the first encrypts.
    shopify_encryption_key: SecretStr
