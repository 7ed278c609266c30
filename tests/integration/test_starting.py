"""A service that cannot start says so, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["gateway", "webhooks", "syncer", "analytics"])
def test_a_service_without_its_database_url_says_so_in_one_line(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"services.{name}"],
        env={"PATH": os.environ["PATH"], "SHOPIFY_ENCRYPTION_KEY": "key-that-is-none"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )

    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("tillstream: ")
    assert "DATABASE_URL: not set" in line
    assert "key-that-is-none" not in line


@pytest.mark.parametrize("name", ["gateway", "webhooks", "syncer", "analytics"])
def test_help_needs_no_settings(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"services.{name}", "--help"],
        env={"PATH": os.environ["PATH"]},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: python -m services.{name} ")


def test_a_database_that_is_away_is_said_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.analytics"],
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_URL": "postgresql://me:hidden@127.0.0.1:1/db",
            "ANALYTICS_PORT": "18083",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert (done.returncode, done.stderr) == (2, "tillstream: PostgreSQL does not answer\n")
