"""The days of one order: when its parts happened in the shop's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.analytics.domain.contributions import Contribution, Kind, Measures
from services.analytics.domain.orders import Line, OrderSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Makes rows of *order*'s parts."""

    order: OrderSnapshot
    timezone: ZoneInfo
    order_day: date

    @classmethod
    def of(cls, order: OrderSnapshot, timezone: ZoneInfo) -> Days:
        order_day = order.processed_at.astimezone(timezone).date()
        return cls(order=order, timezone=timezone, order_day=order_day)

    def row(
        self, ckey: str, kind: Kind, at: datetime, measures: Measures, line: Line | None = None
    ) -> Contribution:
        order = self.order
        same_moment = at == order.processed_at
        return Contribution(
            order_id=order.order_id,
            ckey=ckey,
            kind=kind,
            happened_at=at,
            event_day=self.order_day if same_moment else at.astimezone(self.timezone).date(),
            order_day=self.order_day,
            currency=order.currency,
            line_id=line.line_id if line else None,
            product_id=line.product_id if line else None,
            variant_id=line.variant_id if line else None,
            measures=measures,
        )
