"""What the API takes and returns. Money travels as text, exact; times in UTC."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from services.gateway.domain import Scope
from services.gateway.scalars import Day, Number, ShopDomain
from shared.shopify.resources import RESOURCES

Kind: TypeAlias = Literal[tuple(RESOURCES)]  # type: ignore[valid-type]
Interval = Literal["day", "week", "month", "year"]


class Taken(BaseModel):
    """What a caller sends; unknown names are refused instead of ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Given(BaseModel):
    """What a caller gets."""

    model_config = ConfigDict(frozen=True)


class Paging(Taken):
    limit: int = Field(default=50, ge=1, le=250)
    cursor: str | None = Field(default=None, max_length=400)


class Days(Taken):
    """Days of the shop's time zone, both included."""

    date_from: Day | None = Field(default=None, description="First day, in the shop's time zone.")
    date_to: Day | None = Field(default=None, description="Last day, included.")

    @field_validator("date_to")
    @classmethod
    def _is_not_before(cls, until: date | None, info: ValidationInfo) -> date | None:
        since = info.data.get("date_from")
        if since and until and until < since:
            raise ValueError("is before date_from")
        return until


class Page(Given):
    limit: int
    next_cursor: str | None = Field(description="Null on the last page.")
    has_next: bool


class TokenGiven(Given):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme, no secret
    expires_in: int
    scopes: list[Scope]


class Authorization(Taken):
    shop_domain: ShopDomain


class AuthorizationStarted(Given):
    url: str
    state_expires_at: datetime


class CallbackParams(BaseModel):
    """Whatever Shopify signed: every parameter counts for the signature."""

    model_config = ConfigDict(frozen=True, extra="allow")

    shop: str
    hmac: str
    timestamp: str
    code: str = ""
    state: str = ""


class Connection(Taken):
    shop_domain: ShopDomain
    grant_type: Literal["static_token", "client_credentials"] = "static_token"
    # It travels in a header: printable ASCII without spaces.
    access_token: str | None = Field(
        default=None,
        validate_default=True,
        min_length=8,
        max_length=500,
        pattern=r"^[!-~]+$",
        description="Required with static_token.",
    )

    @field_validator("access_token")
    @classmethod
    def _is_given(cls, token: str | None, info: ValidationInfo) -> str | None:
        if token is None and info.data.get("grant_type") == "static_token":
            raise ValueError("is required for a static_token")
        return token


class StoreNamed(Taken):
    shop_id: str = Field(description="The store's number or its domain.", max_length=255)


class Store(Given):
    shop_id: int
    shop_domain: str
    name: str | None
    plan: str | None
    currency: str | None
    iana_timezone: str | None
    status: Literal["active", "reauth_required", "uninstalled", "disconnected"]
    status_reason: str | None
    is_active: bool
    is_connected: bool
    connected_at: datetime
    disconnected_at: datetime | None
    grant_type: str | None
    granted_scopes: list[str]
    token_last4: str | None
    token_expires_at: datetime | None
    last_sync_at: datetime | None


class TokenHealth(Given):
    shop_id: int
    shop_domain: str
    status: str
    grant_type: str | None
    token_expires_at: datetime | None
    refresh_expires_at: datetime | None
    healthy: bool


class ConnectionHealth(Given):
    shop_id: int
    shop_domain: str
    reachable: bool
    code: str | None
    seconds: Number


class HealthSummary(Given):
    stores: int
    active: int
    reauth_required: int
    uninstalled: int
    jobs_running: int
    jobs_queued: int
    jobs_failed_24h: int
    webhooks_dead_24h: int
    last_webhook_at: datetime | None


class Alive(Given):
    status: Literal["ok"] = "ok"
    version: str


class Version(Given):
    version: str
    shopify_api_version: str


class ServiceListed(Given):
    name: str
    info: str
    status: Literal["active", "inactive"]


class SalesQuery(Days):
    shop_id: str = Field(description="The store's number or its domain.", max_length=255)
    interval: Interval = "day"
    basis: Literal["event", "order"] = "event"
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")


class SalesFigures(Given):
    """Shopify's sales figures; *exact* holds each amount as text, unrounded."""

    currency: str
    orders: int
    units: int
    new_customers: int = Field(description="Customers whose first order was placed then.")
    gross_sales: Number
    discounts: Number
    sales_reversals: Number
    net_sales: Number
    shipping: Number
    taxes: Number
    duties: Number
    additional_fees: Number
    total_sales: Number
    tips: Number
    gift_card_sales: Number
    exact: dict[str, str]


class SalesBucket(SalesFigures):
    period: date = Field(description="The first day of the interval.")


class Sales(Given):
    shop_id: int
    definitions: Literal["shopify-2026"] = "shopify-2026"
    basis: Literal["event", "order"]
    interval: Interval
    iana_timezone: str
    buckets: list[SalesBucket]
    totals: list[SalesFigures]
    pending_orders: int
    oldest_pending_at: datetime | None
