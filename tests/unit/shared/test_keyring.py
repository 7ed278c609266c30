"""Secrets at rest open only where they belong."""

from __future__ import annotations

import pytest

from shared.errors import Rejected
from shared.keyring import KeyRing, generate_key

PLACE = {"tenant_id": "t1", "shop_id": 7, "purpose": "access_token"}


def test_a_sealed_secret_opens_in_its_own_place() -> None:
    ring = KeyRing.parse(generate_key())

    assert ring.open(ring.seal("shpat_1", **PLACE), **PLACE) == "shpat_1"


def test_the_same_secret_is_never_sealed_the_same_way_twice() -> None:
    ring = KeyRing.parse(generate_key())

    assert ring.seal("shpat_1", **PLACE) != ring.seal("shpat_1", **PLACE)


@pytest.mark.parametrize(
    "elsewhere", [{"tenant_id": "t2"}, {"shop_id": 8}, {"purpose": "refresh_token"}]
)
def test_a_secret_copied_to_another_place_does_not_open(elsewhere: dict[str, object]) -> None:
    ring = KeyRing.parse(generate_key())
    sealed = ring.seal("shpat_1", **PLACE)

    with pytest.raises(Rejected) as caught:
        ring.open(sealed, **(PLACE | elsewhere))

    assert caught.value.code == "secret_mismatch"


def test_after_a_rotation_old_secrets_open_and_new_ones_use_the_new_key() -> None:
    old, new = generate_key(), generate_key()
    sealed = KeyRing.parse(old).seal("shpat_1", **PLACE)
    ring = KeyRing.parse(f"{new},{old}")

    assert ring.open(sealed, **PLACE) == "shpat_1"
    assert sealed.split(".")[1] != ring.current
    assert ring.seal("shpat_1", **PLACE).split(".")[1] == ring.current


def test_a_secret_of_a_retired_key_is_named_as_such() -> None:
    sealed = KeyRing.parse(generate_key()).seal("shpat_1", **PLACE)

    with pytest.raises(Rejected) as caught:
        KeyRing.parse(generate_key()).open(sealed, **PLACE)

    assert caught.value.code == "unknown_encryption_key"


@pytest.mark.parametrize("text", ["", "your-encryption-key", "c2hvcnQ=", "not base64 at all!"])
def test_what_is_not_a_key_is_refused(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        KeyRing.parse(text)

    assert caught.value.code == "bad_encryption_key"


@pytest.mark.parametrize("damage", ["v1", "v2.a.b.c", "", "v1.{kid}.AAAA.AAAA", "v1.{kid}.*.*"])
def test_damaged_secrets_are_refused_not_crashed_on(damage: str) -> None:
    ring = KeyRing.parse(generate_key())

    with pytest.raises(Rejected):
        ring.open(damage.format(kid=ring.current), **PLACE)
