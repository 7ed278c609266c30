"""The events that other systems receive, on the exchange and by webhook. Each is an API.

They name what changed and where to read it; they carry nothing of a person. A change of meaning or
of a field's type is a new ``schema_version``; receivers ignore fields that they do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

_API = "/api/v1/shopify/stores"


class DomainEvent(BaseModel):
    """What every event has; *id* stays the same however often it is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: UUID = Field(description="Stays the same however often the event is sent.")
    schema_version: Literal[1] = 1
    occurred_at: datetime = Field(description="When we committed what it tells of.")
    tenant_id: UUID
    shop_id: int = Field(description="The store, by our own number.")
    shop_domain: str | None


class ObjectChanged(DomainEvent):
    """An object of the store is new, different or gone. Several changes may come as one event."""

    object_id: int = Field(description="Shopify's number of the object.")
    gid: str = Field(description="Shopify's global id of the object.")
    updated_at: datetime | None = Field(
        description="The object's version by Shopify; ignore an event older than what you have."
    )
    deleted: bool
    api_path: str = Field(description="Where our API has the object as it is now.")


class OrderChanged(ObjectChanged):
    """An order, its refunds, transactions, fulfilments, returns or ledger."""

    type: Literal["order.changed"] = "order.changed"


class ProductChanged(ObjectChanged):
    """A product or its variants."""

    type: Literal["product.changed"] = "product.changed"


class CustomerChanged(ObjectChanged):
    """A customer."""

    type: Literal["customer.changed"] = "customer.changed"


class InventoryChanged(ObjectChanged):
    """An inventory item, or its stock at a location."""

    type: Literal["inventory.changed"] = "inventory.changed"
    location_id: int | None = Field(description="Null: the item itself changed.")


class StoreConnected(DomainEvent):
    """A store was connected, or connected again."""

    type: Literal["store.connected"] = "store.connected"


class StoreLeft(DomainEvent):
    """A store was disconnected, uninstalled the app, or its token died."""

    type: Literal["store.left"] = "store.left"
    status: Literal["disconnected", "uninstalled", "reauth_required"]
    reason: str


class SyncCompleted(DomainEvent):
    """A full sync of a resource is complete."""

    type: Literal["sync.completed"] = "sync.completed"
    resource: str
    mode: Literal["full"]
    job_id: UUID


class Ping(DomainEvent):
    """Somebody tries whether an endpoint works."""

    type: Literal["ping"] = "ping"


_ObjectEvent: TypeAlias = OrderChanged | ProductChanged | CustomerChanged | InventoryChanged
AnyEvent: TypeAlias = _ObjectEvent | StoreConnected | StoreLeft | SyncCompleted | Ping

EVENTS: Mapping[str, type[AnyEvent]] = MappingProxyType(
    {
        "order.changed": OrderChanged,
        "product.changed": ProductChanged,
        "customer.changed": CustomerChanged,
        "inventory.changed": InventoryChanged,
        "store.connected": StoreConnected,
        "store.left": StoreLeft,
        "sync.completed": SyncCompleted,
        "ping": Ping,
    }
)
# What the object is called in Shopify's ids, and where our API has it.
_OBJECTS = MappingProxyType(
    {
        "order.changed": ("Order", "orders/{object_id}"),
        "product.changed": ("Product", "products/{object_id}"),
        "customer.changed": ("Customer", "customers/{object_id}"),
        "inventory.changed": ("InventoryItem", "inventory?inventory_item_id={object_id}"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event as it waits in a table; a number that it does not have is 0."""

    event_id: UUID
    tenant_id: UUID
    shop_id: int
    shop_domain: str | None
    type: str
    object_id: int = 0
    location_id: int = 0
    updated_at: datetime | None = None
    deleted: bool = False
    details: Mapping[str, object] = field(default_factory=dict, hash=False)
    occurred_at: datetime

    @property
    def body(self) -> bytes:
        """The event as it is sent."""
        return EVENTS[self.type].model_validate(self._fields()).model_dump_json().encode()

    def _fields(self) -> dict[str, Any]:
        fields = {
            "id": self.event_id,
            "occurred_at": self.occurred_at,
            "tenant_id": self.tenant_id,
            "shop_id": self.shop_id,
            "shop_domain": self.shop_domain,
            **self.details,
        }
        if self.type not in _OBJECTS:
            return fields
        name, path = _OBJECTS[self.type]
        place = {"location_id": self.location_id or None}
        return {
            **fields,
            **(place if self.type == "inventory.changed" else {}),
            "object_id": self.object_id,
            "gid": f"gid://shopify/{name}/{self.object_id}",
            "updated_at": self.updated_at,
            "deleted": self.deleted,
            "api_path": f"{_API}/{self.shop_id}/{path.format(object_id=self.object_id)}",
        }
