"""docs/payloads says of each topic what its reader reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from shared.errors import Rejected
from shared.shopify import payload_schemas
from shared.shopify.addressee import Addressee
from shared.shopify.payloads import catalogue_notices, notices, order_notices, privacy, readers
from shared.shopify.webhooks import TOPICS, facts_of
from tests.unit.shopify.shapes import a_delivery

FOLDER = Path(__file__).parents[3] / "docs" / "payloads"
READERS = (catalogue_notices, notices, order_notices, privacy, readers)


def test_the_written_schemas_are_those_of_the_code() -> None:
    written = {path.name: path.read_text() for path in FOLDER.glob("*.json")}

    assert written == dict(payload_schemas.texts())


def test_each_topic_that_we_map_has_a_schema() -> None:
    page = (FOLDER / "README.md").read_text()

    assert payload_schemas.SCHEMA_OF.keys() == TOPICS
    for name in set(payload_schemas.SCHEMA_OF.values()):
        assert f"[{name}]({name}.json)" in page
        found = payload_schemas.schema(name)
        Draft202012Validator.check_schema(found)
        assert found["additionalProperties"] is True
        assert {payload_schemas.SCHEMA_OF[topic] for topic in found["x-topics"]} == {name}


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_a_schema_is_of_what_the_topic_is_read_as(
    topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[type[Any]] = []

    def noted(_raw: bytes, decoder: msgspec.json.Decoder[Any]) -> None:
        read.append(decoder.type)
        raise Rejected("that is enough")

    for module in READERS:
        monkeypatch.setattr(module, "decoded", noted, raising=False)
    try:
        facts_of(a_delivery(topic, b"{}"))
    except Rejected:
        assert read == [payload_schemas.body_of(topic)]
    else:
        assert payload_schemas.body_of(topic) is Addressee


def test_kinds_stand_side_by_side_only_where_that_says_the_same() -> None:
    brief = payload_schemas._brief

    assert brief({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}) == {
        "type": ["integer", "null"],
        "minimum": 0,
    }
    kept = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "minLength": 1}]}
    assert brief(kept | {"default": None}) == kept
    assert brief({"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}) == {
        "anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]
    }
