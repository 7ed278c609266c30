"""Settings of analytics."""

from __future__ import annotations

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read once, in ``__main__``."""

    analytics_port: int = Field(default=8083, ge=1, le=65535)
    # Orders brought into the ledger in one transaction.
    analytics_batch_max: int = Field(default=2000, ge=1, le=20_000)
    # How often to look for marks when no nudge comes.
    analytics_poll_seconds: float = Field(default=0.5, gt=0)
    # How often every shop is recomputed and compared; 0 never.
    analytics_verify_hours: float = Field(default=24.0, ge=0)
