"""Orders of a large shop: a few hundred kinds of orders, each of which repeats.

Order n is prototype n mod P in everything but its ids, number, times, customer and e-mail address,
so a million orders can be told, sorted and rendered without being made one by one.
"""

from __future__ import annotations

import bisect
import dataclasses
import math
import random
from typing import Any

from tests.simulator import chance
from tests.simulator.ledger import settle
from tests.simulator.model import Order
from tests.simulator.moments import DAY
from tests.simulator.returning import attach_returns
from tests.simulator.seeded import FATES, Plan, SeededOrders

# Which prototype, and whether the end of its history still lies ahead.
Key = tuple[int, bool]
# Every fourth order is a regular's; so many of the customers are regulars.
_EVERY, _REGULARS = 4, 20


class PrototypedOrders(SeededOrders):
    """Seeded orders of which only *prototypes* differ."""

    def __init__(self, *arguments: Any, prototypes: int, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.prototypes = prototypes
        self._shapes = [self._shape(p) for p in range(prototypes)]
        self._worths: dict[Key, int] = {}
        self._regulars = max(1, self._customers // _REGULARS)
        # Before this place no history reaches beyond the end.
        ending = self._as_of - max(lasts for _, lasts, _, _ in self._shapes)
        self._recent = bisect.bisect_left(range(self._count), ending, key=self._created)
        self._strides = {m: _coprime(m) for m in (self._customers, self._regulars) if m}

    def _shape(self, p: int) -> tuple[str, int, int, bool]:
        """Fate, seconds to the last change, seconds back-dated, whether a guest bought."""
        seed = self._seed
        draw = chance.fraction(seed + 2, p)
        fate, days = next((name, days) for limit, name, days in FATES if draw < limit)
        offset = days[0] + (days[1] - days[0]) * chance.fraction(seed + 3, p)
        back = 0
        if chance.fraction(seed + 4, p) < 0.02:
            back = int(DAY * (1 + 20 * chance.fraction(seed + 5, p)))
        guest = not self._customers or chance.fraction(seed + 6, p) <= 0.12
        return fate, 2 + int(offset * DAY), back, guest

    def key(self, n: int) -> Key:
        """Orders with the same key differ only in what this module's first lines name."""
        p = n % self.prototypes
        return p, n >= self._recent and self._created(n) + self._shapes[p][1] > self._as_of

    def created(self, n: int) -> int:
        return self._created(n)

    def plan(self, n: int) -> Plan:
        created = self._created(n)
        fate, lasts, back, guest = self._shapes[n % self.prototypes]
        updated = created + lasts
        if updated > self._as_of:
            fate, updated = "open", created + 2
        return Plan(created, updated, created - back, fate, None if guest else self.customer(n))

    def order(self, n: int) -> Order:
        p, plan = n % self.prototypes, self.plan(n)
        rng = random.Random(chance.mixed(self._seed + 9, p))
        template = None if plan.customer is None else p % self._customers
        order = self._placed(n, dataclasses.replace(plan, customer=template), rng)
        order.confirmation = f"C{order.number:010d}"
        if plan.customer is not None:
            order.customer_id = self._ids.of("Customer", plan.customer)
            order.email = f"customer{plan.customer}@example.com"
        self._live_through(order, plan, rng)
        attach_returns(order, self._ids)
        return settle(order)

    def customer(self, n: int) -> int:
        """Whose order it would be, if not a guest's."""
        turn, rest = divmod(n, _EVERY)
        if rest == _EVERY - 1:
            return self._mixed(turn, self._regulars)
        return self._mixed(turn * (_EVERY - 1) + rest, self._customers)

    def _mixed(self, place: int, people: int) -> int:
        block, rest = divmod(place, people)
        return (rest * self._strides[people] + block * 7919) % people

    def orders_of(self, customer: int) -> list[int]:
        """The places of a customer's orders, without making any."""
        if not 0 <= customer < self._customers:
            return []
        others = self._count - self._count // _EVERY
        found = []
        for place in self._places(customer, self._customers, others):
            turn, rest = divmod(place, _EVERY - 1)
            found.append(turn * _EVERY + rest)
        if customer < self._regulars:
            turns = self._places(customer, self._regulars, self._count // _EVERY)
            found += [turn * _EVERY + _EVERY - 1 for turn in turns]
        return [n for n in sorted(found) if not self._shapes[n % self.prototypes][3]]

    def _places(self, customer: int, people: int, count: int) -> list[int]:
        back = pow(self._strides[people], -1, people) if people > 1 else 0
        places = (
            block * people + (customer - block * 7919) * back % people
            for block in range(-(-count // people))
        )
        return [place for place in places if place < count]

    def spent(self, n: int) -> int:
        """Received minus refunded, in minor units of the shop's currency; 0 for a test order."""
        key = self.key(n)
        if key not in self._worths:
            order = self.order(n)
            assert order.totals is not None
            worth = order.totals.received.shop - order.totals.refunded.shop
            self._worths[key] = 0 if order.test else worth
        return self._worths[key]


def _coprime(people: int) -> int:
    """A multiplier that scatters the numbers below *people* and can be undone."""
    found = max(1, int(people * 0.618))
    while math.gcd(found, people) != 1:
        found += 1
    return found
