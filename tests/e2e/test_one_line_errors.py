"""What is in the way is said in one line, without a trace of the code."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Ended

Command = Callable[..., Ended]


def only_line(ended: Ended) -> str:
    """The one line on standard error of a command that failed."""
    assert ended.status == 1
    (line,) = ended.err.splitlines()
    return line


@pytest.mark.parametrize("name", ["GATEWAY", "SIMULATOR"])
def test_a_taken_port_is_named_with_the_setting_that_changes_it(
    command: Command, taken_port: str, name: str
) -> None:
    said = only_line(command("demo", **{f"{name}_PORT": taken_port}))

    assert f"port {taken_port} for {name.lower()} is taken" in said
    assert f"{name}_PORT=" in said


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://root@localhost/db", "it must read postgresql://"),
        ("postgresql://me:hidden@127.0.0.1:1/db", "127.0.0.1:1/db: PostgreSQL does not let us in"),
        ("postgresql://me:hidden@no.invalid/db", "no.invalid/db: PostgreSQL does not let us in"),
    ],
)
@pytest.mark.parametrize("what", ["up", "migrate"])
def test_a_bad_database_url_is_named_without_its_password(
    command: Command, what: str, url: str, reason: str
) -> None:
    said = only_line(command(what, DATABASE_URL=url))

    assert "DATABASE_URL" in said
    assert reason in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://localhost:15672", "it must read amqp://"),
        ("amqp://me:hidden@127.0.0.1:1/", "127.0.0.1:1/: RabbitMQ is away"),
    ],
)
def test_a_bad_broker_url_is_named_without_its_password(
    command: Command, url: str, reason: str
) -> None:
    said = only_line(command("up", AMQP_URL=url))

    assert "AMQP_URL" in said
    assert reason in said
    assert "hidden" not in said


def test_a_missing_dataset_is_named(command: Command, tmp_path: Path) -> None:
    assert "no dataset directory" in only_line(command("demo", "--dataset", "/nowhere"))
    assert "holds no .parquet" in only_line(command("demo", "--dataset", str(tmp_path)))


def test_a_number_that_is_none_is_named_by_its_setting(command: Command) -> None:
    assert only_line(command("up", SYNCER_PORT="many")).startswith("tillstream: SYNCER_PORT: ")


def test_migrate_without_a_database_says_so(command: Command) -> None:
    assert only_line(command("migrate")) == "tillstream: DATABASE_URL is not set"


def test_a_second_machine_in_the_same_home_is_refused(
    command: Command, environment: dict[str, str]
) -> None:
    home = Path(environment["TILLSTREAM_HOME"])
    home.mkdir()
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        said = only_line(command("up"))

    assert f"another tillstream runs in {home}" in said


def test_another_store_on_old_data_is_refused(
    command: Command, environment: dict[str, str]
) -> None:
    home = Path(environment["TILLSTREAM_HOME"])
    home.mkdir()
    (home / "world").write_text("--orders 5 --seed 1 WEBHOOKS_PORT=8081\n")

    said = only_line(command("demo", "--orders", "6", "--seed", "1"))

    assert "holds the store of '--orders 5 --seed 1 WEBHOOKS_PORT=8081', not of '--orders 6" in said


def test_an_old_python_is_named_by_make(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\nexit 1\n')
    old.chmod(0o755)
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    (tmp_path / "requirements.lock").write_text("")

    done = subprocess.run(
        ["make", "demo", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True, timeout=20
    )

    assert done.returncode != 0
    assert "tillstream needs Python 3.11 or newer; " in done.stderr
    assert "is Python 3.9.2" in done.stderr
