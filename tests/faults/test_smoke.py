"""The most telling faults in under a minute; ``make faults`` runs all of them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.integration.processes import ROOT


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_nothing_is_lost_or_doubled_in_the_smoke_run(amqp_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--smoke"],
        cwd=ROOT,
        env=os.environ | {"AMQP_URL": amqp_url},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
