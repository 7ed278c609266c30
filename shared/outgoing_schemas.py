"""``python -m shared.outgoing_schemas docs/events``: write the JSON Schema of every event."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from shared.outgoing import EVENTS


def schemas() -> Mapping[str, str]:
    """Return the text of each schema by its file's name."""
    found = {}
    for name, model in EVENTS.items():
        schema = model.model_json_schema(mode="serialization")
        # Those who receive events must not break when a field is added.
        schema["additionalProperties"] = True
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
        found[f"{name}.v1.json"] = json.dumps(schema, indent=2) + "\n"
    return found


if __name__ == "__main__":
    for file, text in schemas().items():
        (Path(sys.argv[1]) / file).write_text(text)
