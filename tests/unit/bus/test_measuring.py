"""How old the oldest message is, where nobody may look at it."""

from __future__ import annotations

from shared.bus.measuring import Age


def an_age(*, empty_at: float) -> Age:
    age = Age()
    age.seconds(0, now=empty_at)
    return age


def test_an_empty_queue_has_no_age():
    age = an_age(empty_at=100)
    age.took(50)

    assert age.seconds(0, now=160) == 0


def test_what_waits_came_after_the_queue_was_empty():
    assert an_age(empty_at=100).seconds(3, now=160) == 60


def test_what_waits_came_after_what_was_taken_last():
    age = an_age(empty_at=100)
    age.took(150)

    assert age.seconds(3, now=160) == 10


def test_a_message_from_long_ago_does_not_make_an_idle_queue_old():
    age = an_age(empty_at=100)
    age.took(20)
    age.seconds(0, now=155)

    assert age.seconds(1, now=160) == 5


def test_clocks_that_disagree_do_not_make_it_negative():
    age = an_age(empty_at=100)
    age.took(170)

    assert age.seconds(1, now=160) == 0
