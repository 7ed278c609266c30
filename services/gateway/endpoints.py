"""What the API takes and returns about outgoing webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from services.gateway.models import Given, Paging, Taken
from services.gateway.scalars import Id, Json, Moment
from shared.outgoing import EVENTS

EventType: TypeAlias = Literal[tuple(EVENTS)]  # type: ignore[valid-type]
State = Literal["waiting", "delivered", "failed"]
EventTypes = Annotated[list[EventType] | None, Field(min_length=1, description="Null: all.")]


class EndpointWanted(Taken):
    url: str = Field(max_length=2000, description="https; not within a private network.")
    description: str = Field(default="", max_length=255)
    event_types: EventTypes = None


class Endpoint(Given):
    endpoint_id: Id
    url: str
    description: str
    event_types: list[str] | None
    failing_since: datetime | None = Field(description="Null: the last attempt was taken.")
    disabled_at: datetime | None = Field(description="Null: it gets events.")
    disabled_reason: str | None
    former_secret_until: datetime | None = Field(
        description="Until then each message is also signed by the secret before."
    )
    waiting: int = Field(description="Messages that wait to be sent or tried again.")
    created_at: datetime
    updated_at: datetime


class EndpointSecret(Endpoint):
    secret: str = Field(description="Shown here and never again.")


class RotationWanted(Taken):
    overlap_hours: int = Field(
        default=24, ge=0, le=720, description="How long the former secret signs too."
    )


class MessageQuery(Paging):
    state: State | None = None


class Message(Given):
    event_id: Id
    shop_id: int = Field(description="0 of a ping.")
    type: str
    state: State
    attempts: int = Field(description="Since it was queued or replayed.")
    due_at: datetime
    created_at: datetime
    settled_at: datetime | None


class Attempt(Given):
    attempted_at: datetime
    status: int | None = Field(description="Null: there was no answer.")
    milliseconds: int
    error: str | None
    excerpt: str | None = Field(description="How the answer begins.")


class MessageDetail(Message):
    body: Json
    attempt_list: list[Attempt] = Field(description="The last 50, newest first.")


class ResendWanted(Taken):
    """One message by its id, or those of a time; without anything all that failed."""

    event_id: UUID | None = None
    states: list[State] = Field(
        default=["failed"], min_length=1, description="Ignored where event_id is given."
    )
    created_from: Moment | None = None
    created_to: Moment | None = Field(default=None, description="Not included.")


class Replayed(Given):
    messages: int = Field(description="How many are sent again.")
