"""What the API takes and returns about the log of webhook deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from services.gateway.models import Given, Paging, Taken
from services.gateway.scalars import Id, Moment

State = Literal["applied", "duplicate", "stale", "ignored", "dead"]
_DEAD: list[State] = ["dead"]
_ORDER = "An order's name, with or without #; also found in what could not be mapped."


class Filters(Taken):
    """Which deliveries; what is left out is any."""

    topic: str | None = Field(default=None, max_length=255)
    webhook_id: str | None = Field(default=None, max_length=255)
    event_id: str | None = Field(default=None, max_length=255)
    resource_id: int | None = Field(default=None, ge=0, lt=2**63)
    order_name: str | None = Field(default=None, max_length=100, description=_ORDER)
    received_from: Moment | None = None
    received_to: Moment | None = Field(default=None, description="Not included.")


class EventQuery(Paging, Filters):
    state: State | None = None


class CountQuery(Filters):
    """Without times the last 24 hours; at most 31 days."""

    state: State | None = None


class OneEventQuery(Taken):
    topic: str | None = Field(
        default=None, max_length=255, description="Where several deliveries have the same id."
    )


class OneReplayWanted(OneEventQuery):
    dry_run: bool = False


class ReplayWanted(Filters):
    states: list[State] | None = Field(
        default=_DEAD, min_length=1, description="Dead ones; null: of any."
    )
    rate: float = Field(default=100, ge=0.1, le=5000, description="Deliveries per second at most.")
    dry_run: bool = Field(default=False, description="Only count them.")


class Outcome(Given):
    kind: str
    id: str
    outcome: str = Field(
        description="inserted, updated, stale, equal, conflict, deleted (it was so before),"
        " removed, added, merged, or wanted: it is read again by id."
    )


class Event(Given):
    shop_id: int
    topic: str
    webhook_id: str
    event_id: str | None
    resource_id: int | None
    order_name: str | None
    state: State
    error: str | None
    outcomes: list[Outcome]
    trace_id: str | None
    attempts: int = Field(description="How often it was taken off the bus.")
    spooled: bool = Field(description="Whether it waited in the spool for the broker.")
    replays: int
    replayed_at: datetime | None
    triggered_at: datetime | None
    received_at: datetime
    processed_at: datetime
    api_version: str | None
    has_body: bool


class Step(Given):
    step: str
    at: datetime | None = Field(description="Null: still to come.")
    milliseconds: float | None = Field(description="Since the step before.")
    detail: str | None


class Trace(Event):
    steps: list[Step]


class Counted(Given):
    """Deliveries by state."""

    states: dict[str, int]


class TopicCount(Counted):
    topic: str


class HourCount(Counted):
    hour: datetime


class Counts(Counted):
    received_from: datetime
    received_to: datetime
    topics: list[TopicCount]
    hours: list[HourCount]


class Replay(Given):
    job_id: Id
    shop_id: int
    status: Literal["queued", "running", "succeeded", "failed", "cancelled", "skipped"]
    requested_by: str | None
    states: list[State] | None
    topic: str | None
    webhook_id: str | None
    event_id: str | None
    resource_id: int | None
    order_name: str | None
    received_from: datetime | None
    received_to: datetime
    per_second: float
    deliveries: int | None = Field(description="How many there are; null until it began.")
    replayed: int
    applied: int
    stale: int
    ignored: int
    dead: int
    percent: int | None
    eta_seconds: int | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ReplayAsked(Given):
    deliveries: int = Field(description="How many were found now.")
    without_body: int = Field(description="Not among them: their bodies are forgotten.")
    replay: Replay | None = Field(description="Null: nothing was asked for.")


class ResourceFreshness(Given):
    resource: str
    last_polled_at: datetime | None
    last_success_at: datetime | None
    cursor: datetime | None
    lag_seconds: int | None


class Freshness(Given):
    last_received_at: datetime | None
    last_applied_at: datetime | None
    lag_seconds: float | None = Field(
        description="From the receipt of the last delivery until it was committed."
    )
    spooled: int = Field(description="Deliveries that wait for the broker.")
    dead: int
    oldest_unapplied_at: datetime | None = Field(
        description="Receipt of the oldest delivery that waits for the broker or is dead."
    )
    pending_orders: int = Field(description="Changed and not yet in the sales.")
    oldest_pending_at: datetime | None
    resources: list[ResourceFreshness]
