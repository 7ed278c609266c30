"""Mutations: webhook subscriptions and bulk operations, with Shopify's own complaints."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from tests.simulator import moments, uploads, writing
from tests.simulator.ids import gid, split
from tests.simulator.store import Operation, Subscription

_SLOTS = 5
_RUNNING = ("CREATED", "RUNNING", "CANCELING")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
_LARGEST = 65_536
_COMPLIANCE = ("CUSTOMERS_DATA_REQUEST", "CUSTOMERS_REDACT", "SHOP_REDACT")


def _address_error(call: Any, topic: str, uri: str, *, besides: int = 0) -> str | None:
    if not uri.strip():
        return "Address can't be blank"
    host = urlsplit(uri).hostname or ""
    if uri.startswith("http://") and not call.platform.plain_webhooks:
        return "Address protocol http:// is not supported"
    if host.endswith((".myshopify.com", ".shopify.com")):
        return "Address cannot be a Shopify or an internal domain"
    taken = any(
        one.topic == topic and one.uri == uri and one.id != besides
        for one in call.store.subscriptions.values()
    )
    return "Address for this topic has already been taken" if taken else None


def _form_error(wanted: dict[str, Any]) -> str | None:
    """What is wrong with the rest of a subscription."""
    name = wanted.get("name")
    if name is not None and not _NAME.fullmatch(name):
        return "Name must be at most 50 letters, digits, hyphens and underscores"
    for field in ("uri", "filter"):
        if len((wanted.get(field) or "").encode()) > _LARGEST:
            return f"{'Address' if field == 'uri' else 'Filter'} is too big (maximum is 64 KB)"
    return None


def _create(call: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    topic, wanted = arguments["topic"], arguments["webhookSubscription"]
    uri = wanted.get("uri") or ""
    error = _address_error(call, topic, uri) or _form_error(wanted)
    if topic in _COMPLIANCE:
        error = "You cannot create a webhook subscription with the specified topic"
    if error:
        return {
            "webhookSubscription": None,
            "userErrors": [{"field": ["webhookSubscription", "callbackUrl"], "message": error}],
        }
    made = Subscription(
        id=call.store.next_id("WebhookSubscription"),
        topic=topic,
        uri=uri,
        created=moments.now(),
        updated=moments.now(),
        include_fields=list(wanted.get("includeFields") or []),
        metafield_namespaces=list(wanted.get("metafieldNamespaces") or []),
        filter=wanted.get("filter"),
        name=wanted.get("name"),
    )
    call.store.subscriptions[made.id] = made
    call.platform.journal.subscribed(call.store, made)
    return {"webhookSubscription": made, "userErrors": []}


def _found(call: Any, text: str) -> Subscription | None:
    parts = split(text)
    found: Subscription | None = call.store.subscriptions.get(parts[1] if parts else 0)
    return found


_UNKNOWN = [{"field": ["id"], "message": "Webhook subscription does not exist"}]


def _update(call: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    found = _found(call, arguments["id"])
    if found is None:
        return {"webhookSubscription": None, "userErrors": _UNKNOWN}
    wanted = arguments["webhookSubscription"]
    uri = wanted.get("uri") or found.uri
    error = _address_error(call, found.topic, uri, besides=found.id) or _form_error(wanted)
    if error:
        where = ["webhookSubscription", "callbackUrl"]
        return {"webhookSubscription": None, "userErrors": [{"field": where, "message": error}]}
    found.uri, found.updated = uri, moments.now()
    if wanted.get("includeFields") is not None:
        found.include_fields = list(wanted["includeFields"])
    for name in ("filter", "name"):
        if name in wanted:
            setattr(found, name, wanted[name])
    if wanted.get("metafieldNamespaces") is not None:
        found.metafield_namespaces = list(wanted["metafieldNamespaces"])
    call.platform.journal.subscribed(call.store, found)
    return {"webhookSubscription": found, "userErrors": []}


def _delete(call: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    found = _found(call, arguments["id"])
    if found is None:
        return {"deletedWebhookSubscriptionId": None, "userErrors": _UNKNOWN}
    del call.store.subscriptions[found.id]
    call.platform.journal.unsubscribed(call.store, found.id)
    return {"deletedWebhookSubscriptionId": arguments["id"], "userErrors": []}


def _run_query(call: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    text = arguments["query"]
    busy = [
        one
        for one in call.store.operations.values()
        if one.kind == "QUERY" and one.status in _RUNNING
    ]
    foreign = call.platform.faults.foreign_operations()
    if len(busy) + foreign >= _SLOTS:
        others = (call.world.ids.of("BulkOperation", 900_000 + n) for n in range(foreign))
        names = ", ".join(gid("BulkOperation", n) for n in (*(one.id for one in busy), *others))
        message = f"A bulk query operation for this app and shop is already in progress: {names}."
        return _refused(None, message, "OPERATION_IN_PROGRESS")
    errors = call.platform.bulk.complaints(text)
    if errors:
        return {
            "bulkOperation": None,
            "userErrors": [{"field": ["query"], "message": m, "code": "INVALID"} for m in errors],
        }
    made = Operation(
        id=call.store.next_id("BulkOperation"),
        query=text,
        created=moments.now(),
        base_url=call.base_url,
        scopes=call.token.scopes,
        grouped=bool(arguments.get("groupObjects")),
    )
    call.store.operations[made.id] = made
    call.platform.bulk.start(call.store, made)
    return {"bulkOperation": _as_created(made), "userErrors": []}


def _as_created(made: Operation) -> dict[str, Any]:
    """The operation as it was when it was accepted, even if it has started since."""
    return {
        "id": gid("BulkOperation", made.id),
        "status": "CREATED",
        "createdAt": moments.utc(made.created),
        "objectCount": "0",
        "rootObjectCount": "0",
        "type": "QUERY",
        "query": made.query,
        "url": None,
        "partialDataUrl": None,
        "errorCode": None,
        "completedAt": None,
        "fileSize": None,
    }


def _refused(field: list[str] | None, message: str, code: str) -> dict[str, Any]:
    error = {"field": field, "message": message, "code": code}
    return {"bulkOperation": None, "userErrors": [error]}


def _cancel(call: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    parts = split(arguments["id"])
    found = call.store.operations.get(parts[1] if parts else 0)
    if found is None:
        error = {"field": ["id"], "message": "Bulk operation does not exist"}
        return {"bulkOperation": None, "userErrors": [error]}
    if found.status not in _RUNNING:
        state = found.status.lower()
        message = f"A bulk operation cannot be canceled when it is {state}"
        return {"bulkOperation": found, "userErrors": [{"field": None, "message": message}]}
    found.status = "CANCELING"
    return {"bulkOperation": found, "userErrors": []}


MUTATIONS: dict[str, Any] = {
    "webhookSubscriptionCreate": _create,
    "webhookSubscriptionUpdate": _update,
    "webhookSubscriptionDelete": _delete,
    "bulkOperationRunQuery": _run_query,
    "bulkOperationCancel": _cancel,
    **uploads.MUTATIONS,
    **writing.MUTATIONS,
}
