"""kill -9 at random moments of a full sync: every order right, none written twice."""

from __future__ import annotations

import pytest

from tests import infrastructure
from tests.faults.kill_backfill import Outcome, kill


@pytest.fixture(scope="module")
def server() -> str:
    return infrastructure.postgres()


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_full_sync_that_is_killed_again_and_again_repeats_little(server):
    found: Outcome = await kill(server, orders=8_000, kills=8, seed=1, window=1000)

    assert (found.kills, found.orders, found.different) == (8, 8_000, 0)
    assert found.updated == 0
    # One kill in a thousand orders; the run of 100,000 orders and 50 kills must stay within 5 %.
    assert 0 <= found.repeated <= 0.1
