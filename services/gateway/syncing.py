"""What the API takes and returns about copying and verifying stores."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal

from pydantic import Field, field_validator

from services.gateway.models import Given, Kind, Paging, Taken
from services.gateway.scalars import Id, Json
from shared.shopify.resources import RESOURCES

JobMode = Literal["full", "incremental", "verify", "sample", "replay"]
JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "skipped"]
What = Literal["missing_here", "deleted_here", "differs", "missing_there", "unreadable", "pending"]
# As Shopify's headers write it, or its enum.
_TOPIC = re.compile(r"[A-Za-z][A-Za-z_./]{2,80}")


class SyncWanted(Taken):
    kinds: list[Kind] = Field(default=list(RESOURCES), min_length=1)
    full_sync: bool = False


class SyncOneWanted(Taken):
    full_sync: bool = False


class VerificationWanted(Taken):
    kinds: list[Kind] = Field(default=list(RESOURCES), min_length=1)
    repair: bool = Field(default=False, description="Write what differs.")


class Job(Given):
    job_id: Id
    shop_id: int
    kind: str
    mode: JobMode
    trigger: str
    status: JobStatus
    stage: str = Field(
        description="What a running full sync does: planning, exporting, reading, sweeping;"
        " otherwise the status."
    )
    rows_done: int
    rows_total: int | None
    percent: int | None
    rows_per_second: int | None = Field(description="Lately; of the whole run once it has ended.")
    eta_seconds: int | None
    windows: int = Field(description="Bulk operations that it consists of.")
    windows_done: int
    repair: bool = Field(description="Whether a verification writes what differs.")
    attempts: int
    error: str | None
    warning: str | None
    requested_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobWindow(Given):
    window_no: int
    created_from: datetime | None
    created_until: datetime | None
    stage: str
    rows_done: int
    rows_total: int | None
    error: str | None
    started_at: datetime | None
    done_at: datetime | None


class JobDetail(Job):
    window_list: list[JobWindow]


class JobQuery(Paging):
    kind: Kind | Literal["shop", "webhooks"] | None = None
    mode: JobMode | None = None
    status: JobStatus | None = None


class SyncStatus(Given):
    kind: str
    cursor_updated_at: datetime | None
    full_synced_at: datetime | None
    last_polled_at: datetime | None
    last_success_at: datetime | None
    last_error: str | None
    lag_seconds: int | None
    pending_reads: int = Field(
        description="Objects to be read again by id, such as orders whose refund lines no bulk"
        " operation can carry."
    )


class Difference(Given):
    id: int
    what: What
    columns: list[str] = Field(
        description="table.column of the object itself, table[id].column of what belongs to it."
    )
    details: Json = Field(description="A list of {column, ours, theirs}; values are shortened.")
    ours_hash: str | None = Field(description="SHA-256 of all that was compared; null: not there.")
    theirs_hash: str | None
    found_at: datetime
    repaired_at: datetime | None


class Verification(Given):
    job_id: Id
    resource: str
    mode: Literal["verify", "sample"]
    repair: bool
    settled_until: datetime = Field(
        description="What Shopify changed later, the polls had not promised: it is pending."
    )
    ours: int | None = Field(description="Objects here; null for a sample.")
    theirs: int | None = Field(description="Objects at Shopify; null for a sample.")
    compared: int
    pending: int
    differences: int
    repaired: int
    started_at: datetime
    finished_at: datetime | None
    difference_list: list[Difference]


class ResourceState(Given):
    resource: str
    state: Literal["available", "missing_scope", "protected", "not_on_plan", "failing", "unknown"]
    reason: str | None
    missing_scopes: list[str]
    rows: int
    oldest: datetime | None
    newest: datetime | None
    complete_since: datetime | None = Field(
        description="Shopify shows nothing older; null: it shows everything."
    )
    cursor: datetime | None
    lag_seconds: int | None
    last_success_at: datetime | None
    last_error: str | None


class UsageQuery(Taken):
    days: int = Field(default=30, ge=1, le=366)


class DayUsage(Given):
    day: date = Field(description="In UTC.")
    requests: int = Field(description="Requests to the Admin API.")
    interactive: int = Field(description="Those that somebody waited for.")
    points: int = Field(description="What Shopify charged for them.")
    throttled: int
    errors: int


class SchemaDrift(Given):
    kind: Literal["version", "enum", "field"]
    what: str = Field(description="answered by VERSION; table.column=WORD; or topic: field.")
    example: str
    count: int = Field(description="How often it was seen among what was looked at.")
    first_seen: datetime
    last_seen: datetime


class Topics(Given):
    topics: list[str] | None = Field(description="Null: every topic that the scopes allow.")


class TopicsWanted(Taken):
    topics: list[str] | None = Field(
        max_length=200, description="Webhook topics, orders/updated or ORDERS_UPDATED; null: all."
    )

    @field_validator("topics")
    @classmethod
    def _are_topics(cls, topics: list[str] | None) -> list[str] | None:
        for topic in topics or ():
            if not _TOPIC.fullmatch(topic):
                raise ValueError(f"{topic[:80]!r} is no topic")
        return topics
