"""Seeded customers: the n-th is a function of the seed."""

from __future__ import annotations

import random

from tests.simulator import words
from tests.simulator.chance import fraction, mixed
from tests.simulator.ids import Ids
from tests.simulator.model import Address, Customer
from tests.simulator.moments import DAY

ADDRESSES = 16


def times(n: int, *, seed: int, started: int) -> tuple[int, int]:
    """When the *n*-th customer was created and last changed."""
    created = started - int(fraction(seed + 21, n) * 90 * DAY)
    return created, created + int(fraction(seed + 22, n) * 60 * DAY)


def person(ids: Ids, n: int, *, seed: int, country: str, started: int) -> Customer:
    """Invent the *n*-th customer of a shop in *country*."""
    rng = random.Random(mixed(seed + 1, n))
    first = words.FIRST_NAMES[int(rng.random() * len(words.FIRST_NAMES))]
    last = words.LAST_NAMES[int(rng.random() * len(words.LAST_NAMES))]
    phone = f"+1555{n % 10_000_000:07d}" if rng.random() < 0.5 else None
    count = (0, 1, 1, 1, 2, 3)[int(rng.random() * 6)]
    addresses = [
        address(ids, rng, n, k, first=first, last=last, country=country) for k in range(count)
    ]
    created, updated = times(n, seed=seed, started=started)
    subscribed = rng.random() < 0.5
    return Customer(
        id=ids.of("Customer", n),
        first_name=first,
        last_name=None if rng.random() < 0.02 else last,
        email=None if rng.random() < 0.02 else f"customer{n}@example.com",
        phone=phone,
        state="ENABLED" if rng.random() < 0.6 else "DISABLED",
        verified_email=rng.random() < 0.95,
        tax_exempt=rng.random() < 0.02,
        note="Prefers parcel lockers" if rng.random() < 0.05 else None,
        tags=[words.CUSTOMER_TAGS[int(rng.random() * 4)]] if rng.random() < 0.2 else [],
        locale="en",
        created=created,
        updated=updated,
        addresses=addresses,
        default_address_id=addresses[0].id if addresses else None,
        email_consent="SUBSCRIBED" if subscribed else "NOT_SUBSCRIBED",
        sms_consent=("SUBSCRIBED" if rng.random() < 0.3 else "NEVER_SUBSCRIBED") if phone else None,
        consent_updated=created if subscribed else None,
    )


def address(
    ids: Ids, rng: random.Random, n: int, k: int, *, first: str, last: str, country: str
) -> Address:
    """An address in *country*, now and then abroad."""
    if rng.random() < 0.08:
        country = ("US", "GB", "DE", "CA")[int(rng.random() * 4)]
    places = words.PLACES[country]
    city, province, code, name, zip_, latitude, longitude = places[int(rng.random() * len(places))]
    return Address(
        first_name=first,
        last_name=last,
        company="Wren & Partners" if rng.random() < 0.1 else None,
        address1=f"{1 + int(rng.random() * 180)} High Street",
        address2="Apt 4/B" if rng.random() < 0.2 else None,
        city=city,
        province=province,
        province_code=code,
        country=name,
        country_code=country,
        zip=zip_,
        phone=None,
        latitude=latitude,
        longitude=longitude,
        id=ids.of("MailingAddress", n * ADDRESSES + k),
    )
