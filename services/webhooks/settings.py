"""What the webhooks service reads from its environment."""

from __future__ import annotations

from pydantic import Field

from shared.settings import ServiceSettings, ShopifySettings


class Settings(ServiceSettings, ShopifySettings):
    """Read once, in ``__main__``."""

    webhooks_port: int = Field(default=8081, ge=0, le=65535)

    @property
    def app_secrets(self) -> tuple[str, ...]:
        """Return every secret a delivery to any store may be signed with, likeliest first."""
        secrets = (self.shopify_client_secret, self.shopify_client_secret_previous)
        return tuple(one.get_secret_value() for one in secrets if one)
