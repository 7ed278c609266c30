from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from services.gateway import domain
from shared.errors import Conflict, Forbidden, Rejected, Unauthorized

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def a_key(**changed):
    values = {
        "tenant_id": "t", "key_id": "k", "secret_hash": domain.digest("s"), "scopes": ("write",),
        "expires_at": None, "revoked_at": None, "last_used_at": None, "tenant_status": "active",
    }  # fmt: skip
    return domain.ApiKey(**values | changed)


def a_state(**changed):
    values = {
        "tenant_id": "t", "shop_domain": "a.myshopify.com", "redirect_uri": "https://x/cb",
        "browser_hash": domain.digest("mine"), "created_by": "key:k",
        "expires_at": NOW + timedelta(minutes=1), "used_at": None,
    }  # fmt: skip
    return domain.OAuthState(**values | changed)


@pytest.mark.parametrize(
    ("held", "needed", "allowed"),
    [
        ({"read"}, "read", True), ({"read"}, "write", False), ({"write"}, "read", True),
        ({"write"}, "admin", False), ({"admin"}, "write", True), (set(), "read", False),
    ],
)  # fmt: skip
def test_a_scope_reaches_everything_below_it(held, needed, allowed):
    principal = domain.Principal(tenant_id="t", subject="s", scopes=frozenset(held))

    if allowed:
        assert principal.require(needed) is None
    else:
        with pytest.raises(Forbidden):
            principal.require(needed)


def test_a_new_key_opens_with_its_own_text_only():
    text, key_id, secret_hash = domain.new_api_key()
    found_id, secret = domain.parts_of(text)
    key = a_key(key_id=key_id, secret_hash=secret_hash)

    assert found_id == key_id
    assert len(secret) == 64
    assert key.accept(secret, NOW).tenant_id == "t"
    with pytest.raises(Unauthorized):
        key.accept(secret[:-1] + "x", NOW)


@pytest.mark.parametrize(
    "changed",
    [{"revoked_at": NOW}, {"expires_at": NOW - timedelta(seconds=1)},
     {"tenant_status": "suspended"}],
)  # fmt: skip
def test_a_dead_key_is_refused_with_the_right_secret(changed):
    with pytest.raises(Unauthorized):
        a_key(**changed).accept("s", NOW)


@pytest.mark.parametrize("text", ["", "till", "till_", "till_k", "till_k_", "key_k_s", "eyJ.a.b"])
def test_what_is_not_a_key_is_not_taken_for_one(text):
    assert domain.parts_of(text) is None


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ({"Authorization": "Bearer abc"}, "abc"),
        ({"Authorization": "bearer  abc "}, "abc"),
        ({"X-API-Key": "abc"}, "abc"),
        ({"Authorization": "Basic abc"}, None),
        ({"X-API-Key": "till_k_\udce9"}, None),
        ({"Authorization": "Bearer caf\u00e9"}, None),
        ({"Authorization": "Bearer "}, None),
        ({}, None),
    ],
)
def test_a_credential_is_a_bearer_or_a_key(headers, credential):
    if credential:
        assert domain.credential_in(headers) == credential
    else:
        with pytest.raises(Unauthorized):
            domain.credential_in(headers)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (None, "bad_state"),
        (a_state(used_at=NOW), "bad_state"),
        (a_state(expires_at=NOW), "state_expired"),
        (a_state(redirect_uri="https://y/cb"), "bad_state"),
        (a_state(shop_domain="b.myshopify.com"), "shop_mismatch"),
        (a_state(browser_hash=domain.digest("other")), "browser_mismatch"),
        (a_state(browser_hash=None), "browser_mismatch"),
    ],
)
def test_a_callback_goes_on_only_with_its_own_fresh_state(state, code):
    with pytest.raises(Unauthorized) as caught:
        domain.check_state(
            state, shop_domain="a.myshopify.com", redirect_uri="https://x/cb", browser="mine",
            now=NOW,
        )  # fmt: skip

    assert caught.value.code == code


def test_a_callback_of_the_same_browser_goes_on():
    state = a_state()

    found = domain.check_state(
        state, shop_domain="a.myshopify.com", redirect_uri="https://x/cb", browser="mine", now=NOW
    )

    assert found is state


@pytest.mark.parametrize(
    ("grant_type", "status", "renewable", "code"),
    [("static_token", "active", False, "token_not_refreshable"),
     ("authorization_code", "active", False, "token_not_refreshable"),
     ("authorization_code", "uninstalled", True, "store_not_active")],
)  # fmt: skip
def test_only_a_live_expiring_token_is_renewed(grant_type, status, renewable, code):
    domain.check_refreshable("authorization_code", "active", renewable=True)
    domain.check_refreshable("client_credentials", "active", renewable=False)
    with pytest.raises(Conflict) as caught:
        domain.check_refreshable(grant_type, status, renewable=renewable)

    assert caught.value.code == code


def test_a_cursor_comes_back_as_what_it_was():
    job = uuid.uuid4()

    for position, kind in [
        ((NOW, 7), tuple[datetime, int]),
        ((NOW, job), tuple[datetime, uuid.UUID]),
        ((5,), tuple[int]),
    ]:
        assert domain.decode_cursor(domain.encode_cursor(*position), kind) == position
    assert domain.decode_cursor(None, tuple[int]) is None


@pytest.mark.parametrize("cursor", ["", "!", "WzFd", "e30", "a" * 5, "WyJhIiwgMV0", "é"])
def test_a_foreign_cursor_is_refused(cursor):
    with pytest.raises(Rejected) as caught:
        domain.decode_cursor(cursor, tuple[datetime, int])

    assert caught.value.code == "bad_cursor"
