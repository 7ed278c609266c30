"""What the webhooks service reads from its environment."""

from __future__ import annotations

from pydantic import Field, field_validator

from services.webhooks.addresses import Networks
from shared.settings import ServiceSettings, ShopifySettings


class Settings(ServiceSettings, ShopifySettings):
    """Read once, in ``__main__``."""

    webhooks_port: int = Field(default=8081, ge=0, le=65535)
    # Networks with commas between. Proxies are believed about whom they speak for.
    trusted_proxies: str = ""
    # Empty: anybody may knock, the signature decides.
    webhooks_allowed_networks: str = ""
    # Refusals of one address; deliveries of one shop while room is scarce. 0: no limit.
    webhooks_refusals_per_second: float = Field(default=10.0, ge=0)
    webhooks_shop_per_second: float = Field(default=500.0, ge=0)
    # Refuse what says that it is older, or from the future; 0: take it, and count it.
    webhooks_max_age_hours: float = Field(default=0.0, ge=0)

    @field_validator("trusted_proxies", "webhooks_allowed_networks")
    @classmethod
    def _are_networks(cls, listed: str) -> str:
        Networks.parse(listed)
        return listed

    @property
    def app_secrets(self) -> tuple[str, ...]:
        """Return every secret a delivery to any store may be signed with, likeliest first."""
        secrets = (self.shopify_client_secret, self.shopify_client_secret_previous)
        return tuple(one.get_secret_value() for one in secrets if one)
