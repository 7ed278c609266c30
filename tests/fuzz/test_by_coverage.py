"""A short run of the fuzzer that looks for new paths, where atheris is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 30


@pytest.mark.slow
@pytest.mark.timeout(4 * SECONDS)
def test_half_a_minute_of_new_paths_finds_nothing() -> None:
    pytest.importorskip("atheris", reason="atheris is not installed: pip install atheris")
    fuzzer = (sys.executable, "-m", "tests.fuzz.receiver", "--seconds", str(SECONDS))

    ended = subprocess.run(fuzzer, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr[-5000:]
