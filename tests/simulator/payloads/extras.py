"""Bodies of collections, discounts, disputes and merges, and the metafields of any body."""

from __future__ import annotations

from typing import Any

from tests.simulator import extras
from tests.simulator.ids import gid
from tests.simulator.moments import local
from tests.simulator.money import plain
from tests.simulator.payloads.parts import Body

_OWNERS = {
    "products": ("Product", "products"),
    "customers": ("Customer", "customers"),
    "orders": ("Order", "orders"),
    "collections": ("Collection", "collections"),
}


def collection_body(collection: extras.Collection, world: Any) -> Body:
    """A collection without its members, as Shopify tells it."""
    zone = world.shop.timezone
    body: Body = {
        "id": collection.id,
        "handle": collection.handle,
        "title": collection.title,
        "updated_at": local(collection.updated, zone),
        "body_html": collection.description,
        "published_at": local(collection.created, zone),
        "sort_order": collection.sort_order.lower().replace("_", "-"),
        "template_suffix": collection.template,
        "published_scope": "web",
        "admin_graphql_api_id": gid("Collection", collection.id),
    }
    if collection.rules is not None:
        body["disjunctive"] = collection.any_rule
        body["rules"] = [
            {"column": column.lower(), "relation": relation.lower(), "condition": wanted}
            for column, relation, wanted in collection.rules
        ]
    return body


def _discount_gid(promotion: extras.Promotion) -> str:
    kind = "DiscountCodeNode" if promotion.by_code else "DiscountAutomaticNode"
    return gid(kind, promotion.id)


def discount_body(promotion: extras.Promotion, world: Any) -> Body:
    zone = world.shop.timezone
    return {
        "admin_graphql_api_id": _discount_gid(promotion),
        "title": promotion.title,
        "status": promotion.status,
        "created_at": local(promotion.created, zone),
        "updated_at": local(promotion.updated, zone),
    }


def discount_gone_body(promotion: extras.Promotion, at: int, world: Any) -> Body:
    return {
        "admin_graphql_api_id": _discount_gid(promotion),
        "deleted_at": local(at, world.shop.timezone),
    }


def redeem_code_body(promotion: extras.Promotion, code: extras.RedeemCode, world: Any) -> Body:
    return {
        "admin_graphql_api_id": _discount_gid(promotion),
        "redeem_code": {"id": gid("DiscountRedeemCode", code.id), "code": code.code},
        "updated_at": local(promotion.updated, world.shop.timezone),
    }


def dispute_body(dispute: extras.Dispute, world: Any) -> Body:
    zone, currency = world.shop.timezone, world.shop.currency
    return {
        "id": dispute.id,
        "order_id": dispute.order_id,
        "type": dispute.kind.lower(),
        "amount": plain(dispute.amount, currency),
        "currency": currency,
        "reason": dispute.reason.lower(),
        "network_reason_code": dispute.network_code,
        "status": dispute.status.lower(),
        "evidence_due_by": local(dispute.due, zone),
        "evidence_sent_on": local(dispute.sent, zone),
        "finalized_on": local(dispute.finalized, zone),
        "initiated_at": local(dispute.created, zone),
    }


def merge_body(kept: int, gone: int) -> Body:
    return {
        "admin_graphql_api_customer_kept_id": gid("Customer", kept),
        "admin_graphql_api_customer_deleted_id": gid("Customer", gone),
        "admin_graphql_api_job_id": None,
        "status": "completed",
        "errors": [],
    }


def add_metafields(body: Body, topic: str, namespaces: list[str], world: Any) -> None:
    """Add what a subscription with ``metafieldNamespaces`` gets besides."""
    known = _OWNERS.get(topic.partition("/")[0])
    owner = getattr(world, known[1]).get(body.get("id", 0)) if known else None
    if known is None or owner is None:
        return
    body["metafields"] = _listed(known[0], owner, namespaces, world)
    for variant in body.get("variants", ()):
        found = world.variant(variant["id"])
        variant["metafields"] = _listed("ProductVariant", found, namespaces, world)


def _listed(kind: str, owner: Any, namespaces: list[str], world: Any) -> list[Body]:
    zone = world.shop.timezone
    return [
        {
            "id": one.id,
            "namespace": one.namespace,
            "key": one.key,
            "value": one.value,
            "type": one.type,
            "description": None,
            "owner_id": owner.id,
            "owner_resource": kind.lower(),
            "created_at": local(one.created, zone),
            "updated_at": local(one.updated, zone),
            "admin_graphql_api_id": gid("Metafield", one.id),
        }
        for one in world.metafields.of(kind, owner)
        if one.namespace in namespaces
    ]
