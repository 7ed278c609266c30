"""Settings of one machine that runs everything; all of them are optional."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# Where a listener on every address answers.
_LOOPBACK = MappingProxyType({"0.0.0.0": "127.0.0.1", "::": "[::1]"})  # noqa: S104 - compared with
_PLACES = frozenset({"host", "port", "dbname"})

# All of the simulated store's history, not the 60 days that an app gets without asking.
_DEMO_SCOPES = (
    "read_all_orders,read_orders,read_products,read_customers,read_inventory,read_locations,"
    "read_fulfillments,read_returns,read_draft_orders,read_discounts,read_gift_cards,"
    "read_merchant_managed_fulfillment_orders,read_customer_merge,"
    "read_shopify_payments_payouts,read_shopify_payments_disputes"
)


class MachineSettings(BaseSettings):
    """Empty URLs mean: embedded Postgres, bus in Postgres. Empty secrets are made once and kept."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # Of the services that `up` runs; the demo's are always in development.
    app_env: Literal["development", "test", "production"] = "development"
    database_url: str = ""
    amqp_url: str = ""
    host: str = "127.0.0.1"
    gateway_port: int = Field(default=8080, ge=1, le=65535)
    webhooks_port: int = Field(default=8081, ge=1, le=65535)
    syncer_port: int = Field(default=8082, ge=1, le=65535)
    analytics_port: int = Field(default=8083, ge=1, le=65535)
    simulator_port: int = Field(default=9400, ge=1, le=65535)
    # What the demo's app may read: fewer scopes, less to sync.
    demo_scopes: str = _DEMO_SCOPES
    public_base_url: str = ""
    shopify_client_id: str = Field(
        default="",
        validation_alias=AliasChoices(
            "shopify_client_id", "shopify_api_key", "shopify_app_client_id"
        ),
    )
    shopify_client_secret: str = Field(
        default="",
        validation_alias=AliasChoices(
            "shopify_client_secret", "shopify_api_secret", "shopify_app_client_secret"
        ),
    )
    shopify_encryption_key: str = ""
    jwt_secret: str = ""
    # Where the machine keeps its data, secrets and logs.
    tillstream_home: Path = Path(".tillstream")

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, url: str) -> str:
        if url and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("it must read postgresql://user:password@host:port/database")
        return url

    @field_validator("amqp_url")
    @classmethod
    def _is_amqp(cls, url: str) -> str:
        if url and not url.startswith(("amqp://", "amqps://")):
            raise ValueError("it must read amqp://user:password@host:port/")
        return url

    def port_of(self, name: str) -> int:
        """Return the port of the service or simulator called *name*."""
        port: int = getattr(self, f"{name}_port")
        return port

    def address_of(self, name: str) -> str:
        """Return the address that *name* listens on; a simulated Shopify is nobody else's."""
        return "127.0.0.1" if name == "simulator" else self.host

    def url_of(self, name: str) -> str:
        """Return where *name* answers on this machine."""
        address = self.address_of(name)
        host = _LOOPBACK.get(address, f"[{address}]" if ":" in address else address)
        return f"http://{host}:{self.port_of(name)}"


def environment_with(changes: Mapping[str, str], *, simulated: bool = False) -> dict[str, str]:
    """Return our own environment with *changes* on top, for a child process.

    A *simulated* Shopify knows nothing of the app that our environment may name.
    """
    ours = {name: value for name, value in os.environ.items() if not simulated or _stays(name)}
    return ours | dict(changes)


def without_password(url: str) -> str:
    """Return *url* fit for a terminal: of its query, only where it leads to."""
    parts = urlsplit(url)
    query = "&".join(
        piece for piece in parts.query.split("&") if piece.partition("=")[0] in _PLACES
    )
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return f"{place}?{query}" if query else place


def _stays(name: str) -> bool:
    # How we read is ours to say, of whichever Shopify.
    return not name.startswith("SHOPIFY_") or name.startswith(("SHOPIFY_SYNC_", "SHOPIFY_MAX_"))
