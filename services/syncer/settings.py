"""The syncer's settings, from the environment."""

from __future__ import annotations

from pydantic import Field

from shared.settings import AdminApiSettings, ServiceSettings


class Settings(ServiceSettings, AdminApiSettings):
    """Intervals, overlap and delays are seconds."""

    syncer_port: int = 8082
    syncer_jobs_at_once: int = Field(default=8, ge=1)
    shopify_webhook_url: str = ""
    shopify_sync_interval_products: int = Field(default=600, gt=0)
    shopify_sync_interval_orders: int = Field(default=600, gt=0)
    shopify_sync_interval_customers: int = Field(default=600, gt=0)
    shopify_sync_interval_inventory: int = Field(default=600, gt=0)
    shopify_sync_interval_shop: int = Field(default=3600, gt=0)
    shopify_sync_overlap: int = Field(default=120, ge=0)
    shopify_sync_lag: int = Field(default=5, ge=0)
    shopify_sync_window: int = Field(default=2500, ge=100)

    @property
    def intervals(self) -> dict[str, int]:
        """Seconds between polls, per job kind."""
        return {
            "products": self.shopify_sync_interval_products,
            "orders": self.shopify_sync_interval_orders,
            "customers": self.shopify_sync_interval_customers,
            "inventory": self.shopify_sync_interval_inventory,
            "shop": self.shopify_sync_interval_shop,
        }
