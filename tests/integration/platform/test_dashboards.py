"""What the dashboard and the alerts ask for exists in what the services expose."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DASHBOARDS = (
    "deploy/grafana/dashboards/tillstream.json",
    "deploy/grafana/dashboards/capacity.json",
)
ALERTS = "deploy/prometheus/alerts.yml"
SERVICES = ("gateway", "webhooks", "syncer", "analytics")
NAME = re.compile(r"\b(?:tillstream|process)_\w+")


async def shown_by(service: str) -> str:
    """What a fresh process of *service* shows under /metrics."""
    code = (
        f"import services.{service}.app; from prometheus_client import generate_latest;"
        "print(generate_latest().decode())"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def metrics_of(service: str) -> set[str]:
    """The names among it."""
    kinds = re.findall(r"^# TYPE (\S+) (\S+)$", await shown_by(service), re.MULTILINE)
    return {name for name, _ in kinds} | {
        f"{name}_bucket" for name, kind in kinds if kind == "histogram"
    }


@pytest.mark.parametrize("file", [*DASHBOARDS, ALERTS])
async def test_every_metric_asked_for_is_exposed_by_a_service(file: str) -> None:
    asked = set(NAME.findall((ROOT / file).read_text())) - {"tillstream_io"}

    exposed = set().union(*await asyncio.gather(*(metrics_of(each) for each in SERVICES)))

    assert asked
    assert asked - exposed == set()


@pytest.mark.parametrize("file", DASHBOARDS)
def test_a_dashboard_reads_as_json_and_each_panel_asks_something(file: str) -> None:
    dashboard = json.loads((ROOT / file).read_text())

    assert {panel["id"] for panel in dashboard["panels"] if not panel["targets"]} == set()
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


async def test_what_an_alert_sees_increase_is_there_from_the_start() -> None:
    """A series that begins with its first event has not increased, says Prometheus."""
    alerts = (ROOT / ALERTS).read_text()
    asked = re.findall(r"increase\((\w+)(?:\{(\w+)(!?=)\"(\w+)\"\})?\[", alerts)
    shown = "\n".join(await asyncio.gather(*(shown_by(each) for each in SERVICES)))

    assert len(asked) >= 4
    for name, label, sign, value in asked:
        series = re.findall(rf"^{name}(\{{.*\}})? 0\.0$", shown, re.MULTILINE)
        fitting = [one for one in series if (f'{label}="{value}"' in one) == (sign != "!=")]
        assert fitting or (series and not label), name


def test_the_page_for_operators_knows_every_alert() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    alerts = re.findall(r"- alert: (\w+)", (ROOT / ALERTS).read_text())

    assert [name for name in alerts if f"| {name} |" not in page] == []


async def test_the_page_for_operators_knows_every_metric() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    shown = "\n".join(await asyncio.gather(*(shown_by(each) for each in SERVICES)))

    kinds = re.findall(r"^# TYPE (tillstream_\w+) (\w+)$", shown, re.MULTILINE)
    exposed = {pair for pair in kinds if not pair[0].endswith("_created")}

    assert set(re.findall(r"^\| `(tillstream_\w+)` \| (\w+) \|", page, re.MULTILINE)) == exposed
