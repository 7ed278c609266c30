"""The invariants: what the ledger promises and the database holds, compared."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.faults.found import Found, OrderKey
from tests.faults.ledger import Record, Sent, by_key

# A dead consumer's lease and what it takes to notice.
RECOVERY_SECONDS = 35.0
_DELETED = "orders/delete"
_KEPT = frozenset({"applied", "stale", "duplicate"})


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise: of which invariant, and exactly what is wrong."""

    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


def violations(record: Record, found: Found) -> list[Violation]:
    """Return every breach of I1 to I6 that *found* shows."""
    return [
        *_losses(record, found),
        *_states(record, found),
        *_counts(record, found),
        *_limbo(record, found),
        *_purity(record, found),
        *_answers(record),
    ]


def recovery_violations(seconds: Sequence[float]) -> list[Violation]:
    """I7: the backlog is gone within the lease and five seconds."""
    return [
        Violation("I7", f"recovered after {one:.1f} s, more than {RECOVERY_SECONDS:.0f} s")
        for one in seconds
        if one > RECOVERY_SECONDS
    ]


def replay_violations(before: Mapping[str, str], after: Mapping[str, str]) -> list[Violation]:
    """I8: sending everything again changes no row."""
    return [
        Violation("I8", f"{table} changed when everything was sent again")
        for table, digest in before.items()
        if after[table] != digest
    ]


def lost(record: Record, found: Found) -> int:
    """Count deliveries that were answered 200 and are not in the inbox."""
    held = {entry.webhook_id for entry in found.inbox}
    return sum(1 for one in record.accepted if one.id not in held)


def doubled(record: Record, found: Found) -> int:
    """Count inbox rows beyond one per delivery, and bodies applied more than once."""
    rows = Counter(entry.webhook_id for entry in found.inbox)
    applied = Counter(
        (entry.tenant, entry.shop, entry.sha256)
        for entry in found.inbox
        if entry.state == "applied" and _is_versioned(record, entry.webhook_id)
    )
    return sum((rows - Counter(set(rows))).values()) + sum(
        (applied - Counter(set(applied))).values()
    )


def _is_versioned(record: Record, webhook_id: str) -> bool:
    one = record.sent.get(webhook_id)
    return one is not None and one.topic != _DELETED


def _losses(record: Record, found: Found) -> Iterator[Violation]:
    """I1: everything answered 200 is in the inbox exactly once, and applied."""
    rows = defaultdict(list)
    for entry in found.inbox:
        rows[entry.webhook_id].append(entry)
    for one in record.accepted:
        held = rows[one.id]
        if len(held) != 1:
            yield Violation("I1", f"{_named(one)} is {len(held)} times in the inbox")
        for entry in held:
            if entry.sha256 != one.sha256:
                yield Violation("I1", f"{_named(one)} has another body in the inbox")
            wanted = _KEPT if one.state == "applied" else {one.state}
            if entry.state not in wanted:
                yield Violation("I1", f"{_named(one)} is {entry.state}: {entry.error}")


def _states(record: Record, found: Found) -> Iterator[Violation]:
    """I2: each order is as its newest accepted version says, or a later one that landed."""
    for key, told in by_key(record).items():
        heard = sorted(
            (one for one in told if one.state == "applied"), key=lambda one: one.accepted
        )
        versions = {one.version: one for one in heard}
        newest = max((one.version for one in heard if one.accepted), default=0)
        if not newest:
            continue
        if versions[newest].topic == _DELETED:
            yield from _gone(key, newest, found)
        else:
            yield from _living(key, versions, newest, found)


def _gone(key: OrderKey, newest: int, found: Found) -> Iterator[Violation]:
    if key in found.orders:
        yield Violation("I2", f"order {key} lives, after version {newest} deleted it")
    if key not in found.gone:
        yield Violation("I2", f"order {key} has no tombstone of version {newest}")


def _living(
    key: OrderKey, versions: Mapping[int, Sent], newest: int, found: Found
) -> Iterator[Violation]:
    order = found.orders.get(key)
    if order is None:
        later = [one for version, one in versions.items() if version > newest]
        if not any(one.topic == _DELETED for one in later):
            yield Violation("I2", f"order {key} is missing, version {newest} was accepted")
    elif order.version < newest:
        yield Violation("I2", f"order {key} is at version {order.version}, not {newest}")
    elif order.version not in versions:
        yield Violation("I2", f"order {key} is at version {order.version}, which nobody sent")
    elif order.amount != versions[order.version].amount:
        yield Violation("I2", f"order {key} has the amount {order.amount} of another version")


def _counts(record: Record, found: Found) -> Iterator[Violation]:
    """I3: sales are the sum of the living orders, and only a repeated body is a duplicate."""
    bodies = Counter(one.sha256 for one in record.sent.values())
    for entry in found.inbox:
        if entry.state == "duplicate" and bodies[entry.sha256] < 2:
            yield Violation("I3", f"{entry.webhook_id} counts as a duplicate, of nothing")
    if doubles := doubled(record, found):
        yield Violation("I3", f"{doubles} deliveries count twice")
    sums: Counter[tuple[str, int]] = Counter()
    for (tenant, shop, _), order in found.orders.items():
        sums[tenant, shop] += order.amount
    for shop in sums.keys() | found.gross.keys():
        if sums[shop] != found.gross.get(shop, 0):
            yield Violation(
                "I3", f"sales of {shop} are {found.gross.get(shop, 0)}, its orders {sums[shop]}"
            )
    for difference in found.differences:
        yield Violation("I3", f"recomputed otherwise: {difference}")


def _limbo(record: Record, found: Found) -> Iterator[Violation]:
    """I4: nothing is under way or dead that should not be."""
    for what, count in found.left.items():
        if count:
            yield Violation("I4", f"{count} {what}")
    due = {one.id for one in record.sent.values() if one.state == "dead"}
    for entry in found.inbox:
        if entry.state == "dead" and entry.webhook_id not in due:
            yield Violation("I4", f"{entry.webhook_id} is buried: {entry.error}")


def _purity(record: Record, found: Found) -> Iterator[Violation]:
    """I5: every row belongs to the tenant that was told, and nothing refused has one."""
    for entry in found.inbox:
        one = record.sent.get(entry.webhook_id)
        if one is None:
            yield Violation("I5", f"{entry.webhook_id} is in the inbox and was never sent")
        elif one.state == "refused":
            yield Violation("I5", f"{_named(one)} was refused and is in the inbox")
        elif (one.tenant, one.shop) != (entry.tenant, entry.shop):
            yield Violation("I5", f"{_named(one)} is in the inbox of {entry.tenant}/{entry.shop}")
    told = {
        key for key, sent in by_key(record).items() if any(one.state == "applied" for one in sent)
    }
    for key in (found.orders.keys() | found.gone) - told:
        yield Violation("I5", f"order {key} belongs to nobody who was told of it")


def _answers(record: Record) -> Iterator[Violation]:
    """I6: outside a fault everything is answered, and as it should be."""
    for one, status, seconds in record.undisturbed():
        if status == 0 or status >= 500:
            yield Violation("I6", f"{_named(one)} was answered {status} after {seconds:.1f} s")
    for one in record.sent.values():
        for _, status, _ in one.answers:
            if 0 < status < 500 and status != one.expected:
                yield Violation("I6", f"{_named(one)} was answered {status}, not {one.expected}")


def _named(one: Sent) -> str:
    return f"{one.topic} {one.id} (order {one.key}, version {one.version})"
