"""The gateway's settings."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, model_validator

from shared.settings import AdminApiSettings, ServiceSettings

PREFIX = "/api/v1/shopify"

_SCOPES = (
    "read_products,write_products,read_orders,write_orders,read_customers,write_customers,"
    "read_inventory,write_inventory,read_locations,read_fulfillments"
)


class Settings(ServiceSettings, AdminApiSettings):
    """Read once, in ``__main__``."""

    gateway_port: int = Field(default=8080, ge=0, le=65535)
    # Where browsers and Shopify reach us, without a path.
    public_base_url: str = ""
    shopify_scopes: str = Field(
        default=_SCOPES, validation_alias=AliasChoices("SHOPIFY_SCOPES", "SHOPIFY_APP_SCOPES")
    )
    shopify_redirect_uri: str = ""
    jwt_secret: SecretStr = Field(min_length=32)
    jwt_issuer: str = "tillstream"
    jwt_ttl: int = Field(default=900, ge=60, le=3600)
    # Access tokens are renewed this long before they expire.
    token_refresh_ahead_seconds: int = Field(default=600, ge=60, le=3000)
    token_refresh_interval_seconds: float = Field(default=60.0, gt=0)

    @model_validator(mode="after")
    def _is_reached_safely(self) -> Self:
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
