"""`steer lab`: the practice environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, group, talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue
    from rich.table import Table

    from steersman.lab.control import LabClient

app = group("The practice environment: up, down, status, fault, load, scrape, record.")
apps = {"lab": app}
Name = Annotated[str, typer.Argument(help="Name of the lab; default is the only one, or `shop`.")]
Lab = Annotated[str, typer.Option("--lab", help="Which lab, where several are up.")]


@app.command()
def up(
    name: Name = "shop",
    *,
    rate: Annotated[float, typer.Option("--rate", help="Customers' requests per second.")] = 70.0,
    output: Output = Format.table,
) -> None:
    """Bring a lab up: four services, a proxy, a collector, customers. It stays up until `steer lab down`."""
    import time

    from steersman.app import labs
    from steersman.app.settings import load
    from steersman.cli.frame import go

    talk(f"lab {name!r}: starting ...")
    began = time.monotonic()
    info = go(labs.up(load(), name=name, rate=rate))
    talk(f"lab {name!r}: up after {time.monotonic() - began:.1f} s")
    rows = [_row(info.name, "up", info.shop_url, info.uid)]
    emit(rows[0], output, lambda: _table(rows))


@app.command()
def down(name: Name = "") -> None:
    """Take a lab down, with all its processes."""
    from steersman.app import labs
    from steersman.app.settings import load
    from steersman.cli.frame import go

    settings = load()
    found = name or labs.find(settings).name
    was = go(labs.down(settings, name=found))
    talk(f"lab {found!r}: " + ("down" if was else "was not up"))


@app.command()
def status(output: Output = Format.table) -> None:
    """Labs that are up."""
    from steersman.app.settings import load
    from steersman.lab.state import labs

    running = [each.info for each in labs(load().home) if each.info is not None]
    rows: list[JsonValue] = [_row(info.name, "up", info.shop_url, info.uid) for info in running]
    emit(rows, output, lambda: _table(rows) if rows else "no lab is up; `steer lab up` brings one up")


@app.command()
def show(lab: Lab = "", output: Output = Format.table) -> None:
    """Everything about one lab: pools, weights, processes, faults, traffic."""
    from rich.pretty import Pretty

    with _client(lab) as client:
        payload = client.status()
    emit(payload, output, lambda: Pretty(payload, expand_all=True))


@app.command()
def fault(
    kind: Annotated[str, typer.Argument(help="A kind of fault; without one all are listed.")] = "",
    service: Annotated[str, typer.Argument(help="The service to make ill.")] = "",
    *,
    off: Annotated[bool, typer.Option("--off", help="Switch it off again.")] = False,
    lab: Lab = "",
    output: Output = Format.table,
) -> None:
    """Switch a fault on or off; without arguments list the catalogue."""
    from steersman.domain.errors import InputError
    from steersman.lab.catalogue import FAULTS

    if not kind:
        rows: list[JsonValue] = [{"kind": f.kind, "service": f.service, "by": f.seam, "shows": f.shows} for f in FAULTS]
        emit(rows, output, lambda: _table(rows))
        return
    if not any((f.kind, f.service) == (kind, service) for f in FAULTS):
        raise InputError(f"the lab has no fault {kind!r} of {service!r}; `steer lab fault` lists all")
    with _client(lab) as client:
        payload = client.fault(service, kind, on=not off)
    emit(payload, output, lambda: f"{kind} of {service}: {'off' if off else 'on'}")


@app.command("load")
def set_load(
    rate: Annotated[float, typer.Argument(help="Requests per second.", min=0, max=500)], lab: Lab = ""
) -> None:
    """Set how many requests per second customers send."""
    with _client(lab) as client:
        client.load(rate)
    talk(f"customers send {rate:g} requests/s")


SCRAPE = """\
# Prometheus' configuration for the lab {name!r}: prometheus --config.file=THIS
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
- job_name: lab
  honor_labels: true  # the collector speaks for every process of the lab
  http_sd_configs: [{{url: "{collector}/targets"}}]
"""


@app.command()
def scrape(*, lab: Lab = "") -> None:
    """Print a configuration for Prometheus that scrapes the lab."""
    from steersman.app import labs
    from steersman.app.settings import load

    info = labs.find(load(), name=lab)
    print(SCRAPE.format(name=info.name, collector=info.collector_url), end="")


@app.command()
def record(
    to: Annotated[Path, typer.Argument(help="Folder to write; it must be new or empty.")],
    *,
    minutes: Annotated[float, typer.Option("--minutes", help="How far back.")] = 10.0,
    lab: Lab = "",
) -> None:
    """Write the lab's telemetry as a capture that `steer investigate --capture` reads."""
    from steersman.app.labs import record as write
    from steersman.app.settings import load
    from steersman.cli.frame import go

    talk(f"capture written to {go(write(load(), to, minutes=minutes, name=lab))}")


def _client(lab: str) -> LabClient:
    from steersman.app import labs
    from steersman.app.settings import load
    from steersman.lab.control import LabClient

    return LabClient(labs.find(load(), name=lab))


def _row(name: str, state: str, shop: str, uid: str) -> JsonValue:
    return {"name": name, "state": state, "shop": shop, "uid": uid}


def _table(rows: Sequence[JsonValue]) -> Table:
    from rich.table import Table

    first = rows[0] if rows else {}
    drawn = Table(*(first if isinstance(first, dict) else {}), box=None, pad_edge=False)
    for row in rows:
        if isinstance(row, dict):
            drawn.add_row(*(str(value) for value in row.values()))
    return drawn
