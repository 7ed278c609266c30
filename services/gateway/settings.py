"""The gateway's settings."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.errors import Rejected
from shared.settings import ServiceSettings, ShopifySettings
from shared.shopify.admin_api import checked_base_url

PREFIX = "/api/v1/shopify"

_SCOPES = (
    "read_products,write_products,read_orders,write_orders,read_customers,write_customers,"
    "read_inventory,write_inventory,read_locations,read_fulfillments"
)

_SAME = (
    ("shopify_client_id", "shopify_api_key", "shopify_app_client_id"),
    ("shopify_client_secret", "shopify_api_secret", "shopify_app_client_secret"),
)


class Settings(ServiceSettings, ShopifySettings):
    """Read once, in ``__main__``."""

    # A start that fails prints its error; the values it complains of are secrets.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    gateway_port: int = Field(default=8080, ge=0, le=65535)
    # Where browsers and Shopify reach us, without a path.
    public_base_url: str = ""
    shopify_scopes: str = Field(
        default=_SCOPES, validation_alias=AliasChoices("SHOPIFY_SCOPES", "SHOPIFY_APP_SCOPES")
    )
    shopify_redirect_uri: str = ""
    shopify_max_retry_attempts: int = Field(default=5, ge=1, le=20)
    shopify_retry_delay: float = Field(default=1.0, gt=0)
    shopify_circuit_failures: int = Field(default=5, ge=1)
    shopify_circuit_reset_seconds: float = Field(default=30.0, gt=0)
    jwt_secret: SecretStr = Field(min_length=32)
    jwt_issuer: str = "tillstream"
    jwt_ttl: int = Field(default=900, ge=60, le=3600)
    # Access tokens are renewed this long before they expire.
    token_refresh_ahead_seconds: int = Field(default=600, ge=60, le=3000)
    token_refresh_interval_seconds: float = Field(default=60.0, gt=0)

    # Other names for the app's credentials; they fill shopify_client_id and _secret.
    shopify_api_key: str = ""
    shopify_app_client_id: str = ""
    shopify_api_secret: SecretStr | None = None
    shopify_app_client_secret: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_name_each(cls, given: dict[str, object]) -> dict[str, object]:
        return given | {
            names[0]: value for names in _SAME if (value := _agreed(given, names)) is not None
        }

    @model_validator(mode="after")
    def _hang_together(self) -> Self:
        try:
            checked_base_url(self.shopify_base_url, self.app_env)
        except Rejected as exc:
            raise ValueError(str(exc)) from exc
        if self.app_env == "production" and urlsplit(self.public_base_url).scheme != "https":
            raise ValueError("PUBLIC_BASE_URL must be an https URL in production")
        return self

    @property
    def base(self) -> str:
        """Where we are reached: PUBLIC_BASE_URL, or this machine while developing."""
        return self.public_base_url.rstrip("/") or f"http://{self.host}:{self.gateway_port}"

    @property
    def redirect_uri(self) -> str:
        """Where Shopify sends the merchant back to; it must be registered with the app."""
        return self.shopify_redirect_uri or f"{self.base}{PREFIX}/oauth/callback"

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes we ask for."""
        return tuple(filter(None, self.shopify_scopes.replace(" ", "").split(",")))


def _agreed(given: dict[str, object], names: tuple[str, ...]) -> object:
    values = {_plain(given[name]): given[name] for name in names if given.get(name)}
    if len(values) > 1:
        raise ValueError(
            " and ".join(name.upper() for name in names if given.get(name)) + " differ"
        )
    return next(iter(values.values()), None)


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
