"""Servers that this project starts itself: real starts, real stops."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from services.embedded import EmbeddedPostgres
from shared.errors import Rejected
from tests import infrastructure, private_rabbitmq


async def answer_of(url: str, question: str) -> object:
    conn = await asyncpg.connect(url)
    try:
        return await conn.fetchval(question)
    finally:
        await conn.close()


def test_embedded_postgres_keeps_its_data_over_a_restart(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, throwaway=True)
    for count in (1, 2):
        url = server.start()
        asyncio.run(answer_of(url, "CREATE TABLE IF NOT EXISTS t AS SELECT 0 WHERE false"))
        asyncio.run(answer_of(url, "INSERT INTO t VALUES (1)"))
        assert asyncio.run(answer_of(url, "SELECT count(*) FROM t")) == count
        server.stop()


def test_its_log_is_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres.log").touch(0o644)
    server = EmbeddedPostgres(tmp_path, throwaway=True)
    server.start()
    server.stop()

    assert (tmp_path / "postgres.log").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only under root another account runs it")
def test_folders_opened_to_its_account_are_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(0o700)
    server = EmbeddedPostgres(closed / "home", throwaway=True)
    server.start()
    server.stop()

    assert closed in server.opened
    assert closed.stat().st_mode & 0o777 == 0o701


def test_a_server_left_over_by_a_killed_process_is_replaced(tmp_path: Path) -> None:
    leave_it = (
        "import os, sys; from pathlib import Path; from services.embedded import EmbeddedPostgres;"
        "server = EmbeddedPostgres(Path(sys.argv[1]), throwaway=True); server.start();"
        "print(server.pid, flush=True); os._exit(0)"
    )
    said = subprocess.run(
        [sys.executable, "-c", leave_it, str(tmp_path)], capture_output=True, text=True, check=True
    )
    left_over = int(said.stdout)
    server = EmbeddedPostgres(tmp_path, throwaway=True)

    url = server.start()

    assert server.pid != left_over
    assert asyncio.run(answer_of(url, "SELECT 1")) == 1
    server.stop()


def test_a_path_too_long_for_a_socket_still_works(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / ("deep" * 30), throwaway=True)

    url = server.start()

    assert asyncio.run(answer_of(url, "SELECT 1")) == 1
    server.stop()


def test_it_listens_on_no_network_port(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, throwaway=True)

    url = server.start()

    assert asyncio.run(answer_of(url, "SHOW listen_addresses")) == ""
    server.stop()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every directory")
def test_a_directory_of_somebody_else_is_refused_in_one_line() -> None:
    with pytest.raises(Rejected, match="belongs to another user"):
        EmbeddedPostgres(Path("/")).start()


@pytest.mark.slow
@pytest.mark.skipif(private_rabbitmq.program() is None, reason="no rabbitmq-server installed")
def test_a_private_rabbitmq_starts_answers_and_leaves_nothing() -> None:
    server = infrastructure.private_rabbitmq_server()
    assert server is not None
    assert infrastructure.rabbitmq_answers(server.url)

    server.stop()

    port = int(server.url.rstrip("/").rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_broker_that_refuses_the_guest_is_passed_over(amqp_url: str) -> None:
    host = amqp_url.rpartition("@")[2]

    assert infrastructure.rabbitmq_answers(amqp_url)
    assert not infrastructure.rabbitmq_answers(f"amqp://guest:wrong@{host}")


def test_a_developers_own_app_does_not_reach_the_tests() -> None:
    theirs = {"SHOPIFY_API_SECRET": "theirs", "PUBLIC_BASE_URL": "https://their.example"}
    settings = "tests/unit/webhooks/test_settings.py"

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", settings],
        env=os.environ | theirs,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout
