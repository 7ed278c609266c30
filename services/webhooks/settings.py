"""What the webhooks service reads from its environment."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator

from shared.settings import ServiceSettings, ShopifySettings


class Settings(ServiceSettings, ShopifySettings):
    """Read once, in ``__main__``."""

    webhooks_port: int = Field(default=8081, ge=0, le=65535)
    # For webhooks made by hand in the Shopify admin, which are signed with a secret of their own.
    shopify_webhook_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _some_secret_signs(self) -> Self:
        if not self.app_secrets:
            raise ValueError("SHOPIFY_CLIENT_SECRET is empty")
        return self

    @property
    def app_secrets(self) -> tuple[str, ...]:
        """Return every secret a delivery to any store may be signed with, likeliest first."""
        secrets = (
            self.shopify_client_secret,
            self.shopify_client_secret_previous,
            self.shopify_webhook_secret,
        )
        return tuple(text for one in secrets if one and (text := one.get_secret_value()))
