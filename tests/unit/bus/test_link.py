"""What aiormq says when a channel dies, as our code hears it."""

from __future__ import annotations

import pytest

from shared.bus.rabbitmq_link import LOST, Named


@pytest.mark.parametrize("nameless", [Exception, StopAsyncIteration])
def test_what_has_no_name_is_a_lost_connection(nameless: type[Exception]) -> None:
    with pytest.raises(LOST), Named():
        raise nameless


def test_every_other_error_stays_what_it_is() -> None:
    with pytest.raises(ValueError, match="ours"), Named():
        raise ValueError("ours")
