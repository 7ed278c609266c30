"""What the dashboard and the alerts ask for exists in what the services expose."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = ("deploy/grafana/dashboards/tillstream.json", "deploy/prometheus/alerts.yml")
SERVICES = ("gateway", "webhooks", "syncer", "analytics")
NAME = re.compile(r"\b(?:tillstream|process)_\w+")


async def metrics_of(service: str) -> set[str]:
    """The names a fresh process of *service* would show under /metrics."""
    code = (
        f"import services.{service}.app; from prometheus_client import generate_latest;"
        "print(generate_latest().decode())"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    kinds = re.findall(r"^# TYPE (\S+) (\S+)$", output.decode(), re.MULTILINE)
    return {name for name, _ in kinds} | {
        f"{name}_bucket" for name, kind in kinds if kind == "histogram"
    }


@pytest.mark.parametrize("file", FILES)
async def test_every_metric_asked_for_is_exposed_by_a_service(file: str) -> None:
    asked = set(NAME.findall((ROOT / file).read_text())) - {"tillstream_io"}

    exposed = set().union(*await asyncio.gather(*(metrics_of(each) for each in SERVICES)))

    assert asked
    assert asked - exposed == set()


def test_the_dashboard_reads_as_json_and_each_panel_asks_something() -> None:
    dashboard = json.loads((ROOT / FILES[0]).read_text())

    assert {panel["id"] for panel in dashboard["panels"] if not panel["targets"]} == set()
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
