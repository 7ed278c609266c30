"""docs/events holds the schema of every event as the code has it."""

from __future__ import annotations

from pathlib import Path

from shared.outgoing import EVENTS
from shared.outgoing_schemas import schemas

FOLDER = Path(__file__).parents[3] / "docs" / "events"


def test_the_written_schemas_are_those_of_the_code() -> None:
    written = {path.name: path.read_text() for path in FOLDER.glob("*.json")}

    assert written == dict(schemas())


def test_each_event_says_its_own_type() -> None:
    for name, model in EVENTS.items():
        assert model.model_fields["type"].default == name
