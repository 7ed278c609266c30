"""The gateway's settings."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AliasChoices, Field, SecretStr, model_validator

from shared.settings import AdminApiSettings, ServiceSettings

PREFIX = "/api/v1/shopify"

_EVERY_ADDRESS = frozenset({"0.0.0.0", "::", "*"})  # noqa: S104 - compared, not bound
# Gift cards and payments need Shopify's approval, so they are asked for by those who have it.
_SCOPES = (
    "read_products,write_products,read_orders,write_orders,read_customers,write_customers,"
    "read_inventory,write_inventory,read_locations,read_fulfillments,read_returns,"
    "read_draft_orders,read_discounts,read_merchant_managed_fulfillment_orders,read_customer_merge"
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
    # The app's own organisation: the one tenant that may connect stores by client credentials.
    shopify_client_credentials_tenant: UUID | None = None
    # Where the other services answer, with {name} or {port} in it.
    services_at: str = "http://127.0.0.1:{port}"
    webhooks_port: int = Field(default=8081, ge=0, le=65535)
    syncer_port: int = Field(default=8082, ge=0, le=65535)
    analytics_port: int = Field(default=8083, ge=0, le=65535)
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

    @model_validator(mode="after")
    def _is_one_host(self) -> Self:
        ends = urlsplit(self.base).hostname, urlsplit(self.redirect_uri).hostname
        if all(ends) and len(set(ends)) > 1:
            # The cookie of the flow's start must reach its end.
            raise ValueError("SHOPIFY_REDIRECT_URI must be on the host of PUBLIC_BASE_URL")
        return self

    @property
    def base(self) -> str:
        """Where we are reached: PUBLIC_BASE_URL, or the address we listen on while developing.

        Empty when we listen on every address: none of them is known to be ours.
        """
        if self.public_base_url:
            return self.public_base_url.rstrip("/")
        return "" if self.host in _EVERY_ADDRESS else f"http://{self.host}:{self.gateway_port}"

    @property
    def start_url(self) -> str:
        """Where a merchant's browser begins the OAuth flow; the state follows."""
        return self.base and f"{self.base}{PREFIX}/oauth/start/"

    @property
    def redirect_uri(self) -> str:
        """Where Shopify sends the merchant back to; it must be registered with the app."""
        return self.shopify_redirect_uri or f"{self.base}{PREFIX}/oauth/callback"

    @property
    def service_urls(self) -> dict[str, str]:
        """Where the other services answer, by name."""
        ports = {
            "webhooks": self.webhooks_port,
            "syncer": self.syncer_port,
            "analytics": self.analytics_port,
        }
        return {
            name: self.services_at.replace("{name}", name).replace("{port}", str(port))
            for name, port in ports.items()
        }

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes we ask for."""
        return tuple(filter(None, self.shopify_scopes.replace(" ", "").split(",")))
