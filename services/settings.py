"""Settings of one machine that runs everything; all of them are optional."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class MachineSettings(BaseSettings):
    """Empty URLs mean: embedded Postgres, bus in Postgres. Empty secrets are made once and kept."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str = ""
    amqp_url: str = ""
    host: str = "127.0.0.1"
    gateway_port: int = Field(default=8080, ge=1, le=65535)
    webhooks_port: int = Field(default=8081, ge=1, le=65535)
    syncer_port: int = Field(default=8082, ge=1, le=65535)
    analytics_port: int = Field(default=8083, ge=1, le=65535)
    simulator_port: int = Field(default=9400, ge=1, le=65535)
    public_base_url: str = ""
    shopify_client_id: str = ""
    shopify_client_secret: str = ""
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

    def url_of(self, name: str) -> str:
        """Return where *name* answers on this machine."""
        return f"http://127.0.0.1:{self.port_of(name)}"


def environment_with(changes: Mapping[str, str]) -> dict[str, str]:
    """Return our own environment with *changes* on top, for a child process."""
    return {**os.environ, **changes}


def without_password(url: str) -> str:
    """Return *url* fit for a terminal."""
    parts = urlsplit(url)
    socket = f"?{parts.query}" if parts.query.startswith("host=") else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{socket}"
