"""Our histogram shows what the library's shows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from services.webhooks.metrics import LoopHistogram

BUCKETS = (0.005, 0.1, 1, 5.0)


@given(st.lists(st.floats(0, 20) | st.sampled_from(BUCKETS), max_size=50))
def test_it_is_exposed_as_the_librarys_own(amounts: list[float]):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = LoopHistogram("seconds", "Time.", buckets=BUCKETS)
    ours.register(mine)
    library = Histogram("seconds", "Time.", buckets=BUCKETS, registry=theirs)
    for amount in amounts:
        mine.observe(amount)
        library.observe(amount)

    shown = generate_latest(ours).decode().splitlines()
    expected = generate_latest(theirs).decode().splitlines()

    assert shown == [line for line in expected if "_created" not in line]
