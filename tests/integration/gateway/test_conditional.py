"""A GET that names what its caller has is answered 304, once nothing changed and only then."""

from __future__ import annotations

import pytest

from tests.integration.gateway.test_tenancy import OPERATIONS, asked, filled

# Their answers name the moment or the time they took, so none is like the one before.
OF_THE_MOMENT = {"webhook_events_count_events", "health_try_connections"}
GETS = [
    pytest.param(path, operation, id=operation["operationId"])
    for path, method, operation in OPERATIONS
    if method == "get" and "304" in operation["responses"]
    if operation["operationId"] not in OF_THE_MOMENT
]


async def get(gateway, path, operation, of, **headers):
    query, _ = asked(operation, of)
    return await gateway.client.get(
        filled(path, of), params=query, headers={**of.headers(), **headers}
    )


@pytest.mark.parametrize(("path", "operation"), GETS)
async def test_what_a_caller_has_is_not_sent_again(gateway, alba, path, operation):
    # Some answers count seconds, and one may pass between the two.
    for _ in range(3):
        first = await get(gateway, path, operation, alba)
        if first.status != 200 or first.headers.get("Cache-Control") == "no-store":
            assert "ETag" not in first.headers
            return
        known = {"If-None-Match": first.headers["ETag"]}
        again = await get(gateway, path, operation, alba, **known)
        if again.status == 304:
            break

    assert first.headers["ETag"].startswith('W/"')
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert (again.status, await again.read()) == (304, b"")
    for name in ("ETag", "Cache-Control", "Vary"):
        assert again.headers[name] == first.headers[name]
    assert "X-Request-Id" in again.headers


async def test_most_kinds_of_answers_can_be_known_already(gateway, alba):
    tagged = 0
    for case in GETS:
        tagged += "ETag" in (await get(gateway, *case.values, alba)).headers

    assert tagged >= 30


async def test_what_changed_is_sent(gateway, alba, db):
    url, headers = "/api/v1/shopify/stores", alba.headers()
    first = await gateway.client.get(url, headers=headers)
    known = headers | {"If-None-Match": first.headers["ETag"]}
    assert (await gateway.client.get(url, headers=known)).status == 304

    await db.execute("UPDATE accounts.stores SET plan = 'another'")
    second = await gateway.client.get(url, headers=known)

    assert second.status == 200
    assert second.headers["ETag"] != first.headers["ETag"]
    assert (await second.json())["data"] != (await first.json())["data"]


async def test_who_may_not_ask_does_not_learn_whether_it_changed(gateway, alba, boro):
    url = "/api/v1/shopify/stores"
    mine = await gateway.client.get(url, headers=alba.headers())
    known = {"If-None-Match": mine.headers["ETag"]}

    nobody = await gateway.client.get(url, headers=known)
    other = await gateway.client.get(url, headers=boro.headers() | known)

    assert (nobody.status, other.status) == (401, 200)
    assert "ETag" not in nobody.headers
    assert "alba" not in await other.text()


@pytest.mark.parametrize(
    ("named", "status"),
    [
        ("*", 304),
        ('"other", {tag}', 304),
        ("{strong}", 304),
        ('"other"', 200),
        ("W/", 200),
        ("", 200),
    ],
)
async def test_what_if_none_match_may_say(gateway, alba, named, status):
    url, headers = "/api/v1/shopify/stores", alba.headers()
    tag = (await gateway.client.get(url, headers=headers)).headers["ETag"]
    known = named.format(tag=tag, strong=tag.removeprefix("W/"))

    answer = await gateway.client.get(url, headers=headers | {"If-None-Match": known})

    assert answer.status == status


async def test_probes_and_what_must_not_be_kept_have_no_tag(gateway, alba):
    answers = [
        await gateway.client.get("/readyz"),
        await gateway.client.post("/api/v1/auth/token", headers=alba.headers()),
    ]

    assert [answer.status for answer in answers] == [200, 200]
    assert all("ETag" not in answer.headers for answer in answers)
