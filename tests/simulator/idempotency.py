"""``@idempotent(key:)``: required on some mutations, and remembered for a day."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo, StringValueNode, VariableNode

from tests.simulator import moments

REQUIRED = {
    "inventoryActivate",
    "inventoryAdjustQuantities",
    "inventorySetQuantities",
    "refundCreate",
}
_MISSING = "The @idempotent directive is required for this mutation but was not provided."


class Refused(dict[str, Any]):
    """A payload of errors alone: every other field is null."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> None:
        return None


def refused(field: list[str] | None, message: str, code: str | None = None) -> Refused:
    return Refused(userErrors=[{"field": field, "message": message, "code": code}])


def once(
    call: Any,
    info: GraphQLResolveInfo,
    arguments: dict[str, Any],
    root: Callable[[Any, dict[str, Any]], Any],
) -> Any:
    """Do it, unless its key says that it was done."""
    name, key = info.field_name, _key(info)
    if key is None:
        if name in REQUIRED:
            raise GraphQLError(_MISSING, extensions={"code": "BAD_REQUEST"})
        return root(call, arguments)
    known = call.store.idempotent
    for old in [one for one, (at, _, _) in known.items() if at < moments.now() - moments.DAY]:
        del known[old]
    print_ = f"{name}:{json.dumps(arguments, sort_keys=True, default=str)}"
    if key in known:
        _, earlier, answer = known[key]
        if earlier != print_:
            message = "The same idempotency key cannot be used with different parameters."
            return refused(None, message, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
        return answer
    answer = root(call, arguments)
    known[key] = moments.now(), print_, answer
    return answer


def _key(info: GraphQLResolveInfo) -> str | None:
    for directive in info.field_nodes[0].directives:
        if directive.name.value != "idempotent":
            continue
        value = directive.arguments[0].value
        if isinstance(value, VariableNode):
            return str(info.variable_values.get(value.name.value))
        return value.value if isinstance(value, StringValueNode) else None
    return None
