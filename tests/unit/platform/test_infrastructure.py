"""Where tests look for servers, and in which order."""

from __future__ import annotations

import pytest

from tests import infrastructure
from tests.infrastructure import Server


def found(url: str) -> Server:
    return Server(url=url, how="a fake")


def test_the_first_server_found_is_taken() -> None:
    finders = (lambda: None, lambda: found("second"), lambda: found("third"))

    assert infrastructure.first(finders) == found("second")


def test_what_comes_after_the_first_server_is_not_even_tried() -> None:
    tried: list[str] = []

    def finder(name: str) -> Server:
        tried.append(name)
        return found(name)

    infrastructure.first((lambda: finder("first"), lambda: finder("second")))

    assert tried == ["first"]


def test_nothing_found_is_none() -> None:
    assert infrastructure.first((lambda: None,)) is None


@pytest.mark.parametrize(
    ("finders_of", "url"),
    [
        (infrastructure.postgres_finders, "postgresql://a@b/c"),
        (infrastructure.rabbitmq_finders, "amqp://a@b/"),
    ],
)
def test_a_url_in_the_environment_is_the_only_candidate(finders_of, url) -> None:
    (finder,) = finders_of(url)

    assert finder().url == url


@pytest.mark.parametrize(
    ("finders_of", "last"),
    [
        (infrastructure.postgres_finders, infrastructure.embedded_postgres),
        (infrastructure.rabbitmq_finders, infrastructure.private_rabbitmq_server),
    ],
)
def test_containers_come_first_then_localhost_then_a_private_server(finders_of, last) -> None:
    container, *local, private = finders_of("")

    assert container.func is infrastructure.in_docker
    assert {finder.func for finder in local} == {infrastructure.if_answering}
    assert private is last


def test_a_server_that_does_not_let_us_in_is_no_server() -> None:
    assert infrastructure.if_answering("url", lambda _: False, "a fake") is None
    assert infrastructure.if_answering("url", lambda _: True, "a fake") == found("url")


def test_a_silent_port_is_no_rabbitmq_and_no_postgres() -> None:
    assert not infrastructure.rabbitmq_answers("amqp://guest:guest@127.0.0.1:1/")
    assert not infrastructure.postgres_answers("postgresql://postgres@127.0.0.1:1/postgres")
