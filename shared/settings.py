"""Settings that several services share; each service extends this with its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import Rejected
from shared.keyring import KeyRing
from shared.log import Format, Level, levels_by_module
from shared.sentry import Dsn
from shared.shopify.admin_api import checked_base_url

_SAME = (
    ("shopify_client_id", "shopify_api_key", "shopify_app_client_id"),
    ("shopify_client_secret", "shopify_api_secret", "shopify_app_client_secret"),
)


_CONFIG = SettingsConfigDict(
    frozen=True,
    populate_by_name=True,
    extra="ignore",
    env_ignore_empty=True,
    # A start that fails prints its error; the values it complains of may be secrets.
    hide_input_in_errors=True,
)


class ServiceSettings(BaseSettings):
    """Read once, from the environment, in ``__main__``. Secrets have no default."""

    model_config = _CONFIG

    app_env: Literal["development", "test", "production"] = "production"
    database_url: str
    database_pool_max: int = Field(default=10, ge=2)
    # Empty: the bus lives in Postgres.
    amqp_url: str = ""
    # Publish what changes to the exchange tillstream.events, for other systems on the same broker.
    domain_events: bool = False
    host: str = "127.0.0.1"
    log_level: Level = "INFO"
    # Modules with a level of their own: services.webhooks=DEBUG,shared.bus=WARNING.
    log_levels: str = ""
    log_format: Format = "auto"
    # Where errors are reported to: https://key@host/project. Empty: nowhere.
    sentry_dsn: SecretStr | None = None

    @field_validator("sentry_dsn")
    @classmethod
    def _is_a_dsn(cls, dsn: SecretStr | None) -> SecretStr | None:
        try:
            if dsn is not None:
                Dsn.parse(dsn.get_secret_value())
        except Rejected as exc:
            raise ValueError(str(exc)) from exc
        return dsn

    @field_validator("log_levels")
    @classmethod
    def _are_levels_of_modules(cls, levels: str) -> str:
        try:
            levels_by_module(levels)
        except Rejected as exc:
            raise ValueError(str(exc)) from exc
        return levels

    @model_validator(mode="after")
    def _has_a_broker_for_events(self) -> Self:
        if self.domain_events and not self.amqp_url:
            raise ValueError("DOMAIN_EVENTS publishes on RabbitMQ: set AMQP_URL")
        return self

    @property
    def told_to_sql(self) -> Mapping[str, str]:
        """What SQL asks for by ``current_setting``."""
        return {"tillstream.domain_events": "on"} if self.domain_events else {}


class ShopifySettings(BaseSettings):
    """As which Shopify app we speak, and which secrets we keep."""

    model_config = _CONFIG

    shopify_client_id: str = ""
    # An empty secret would make signatures that anybody can make.
    shopify_client_secret: SecretStr = Field(min_length=1)
    shopify_client_secret_previous: SecretStr | None = Field(default=None, min_length=1)
    # Comma-separated ring of keys, 32 bytes urlsafe base64 each; the first one encrypts.
    shopify_encryption_key: SecretStr

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

    @field_validator("shopify_encryption_key")
    @classmethod
    def _is_a_ring(cls, keys: SecretStr) -> SecretStr:
        try:
            KeyRing.parse(keys.get_secret_value())
        except Rejected as exc:
            raise ValueError(str(exc)) from exc
        return keys


class AdminApiSettings(ShopifySettings):
    """Which Admin API to call."""

    app_env: Literal["development", "test", "production"] = "production"
    shopify_api_version: str = Field(default="2026-10", pattern=r"^20\d\d-(01|04|07|10)$")
    # Only for the simulator, only outside production: ``http://127.0.0.1:9400/shops/{shop}``.
    shopify_base_url: str = ""
    # Requests to one shop, by all processes together, beside what its points allow.
    shopify_max_requests_per_second: float = Field(default=10.0, gt=0)

    @model_validator(mode="after")
    def _base_url_is_for_the_simulator(self) -> Self:
        try:
            checked_base_url(self.shopify_base_url, self.app_env)
        except Rejected as exc:
            raise ValueError(str(exc)) from exc
        return self


class RetrySettings(BaseSettings):
    """How long to try when Shopify fails; for work that nobody waits for."""

    model_config = _CONFIG

    shopify_max_retry_attempts: int = Field(default=5, ge=1, le=20)
    shopify_retry_delay: float = Field(default=1.0, gt=0)
    shopify_circuit_failures: int = Field(default=5, ge=1)
    shopify_circuit_reset_seconds: float = Field(default=30.0, gt=0)


def _agreed(given: dict[str, object], names: tuple[str, ...]) -> object:
    values = {_plain(given[name]): given[name] for name in names if given.get(name)}
    if len(values) > 1:
        raise ValueError(
            " and ".join(name.upper() for name in names if given.get(name)) + " differ"
        )
    return next(iter(values.values()), None)


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
