"""`python -m steersman.testing.kubernetes`: a cluster to try things on; prints the path of a kubeconfig."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import yaml

from steersman.testing.kubernetes.cluster import Cluster
from steersman.testing.kubernetes.kinds import KINDS, WITHOUT_ARGO
from steersman.testing.kubernetes.serving import kubeconfig, served


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m steersman.testing.kubernetes", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--name", default="double", help="name of the context; another name is another cluster")
    parser.add_argument("--without-argo", action="store_true", help="no Rollouts, no Argo CD")
    parser.add_argument("--load", type=Path, action="append", default=[], help="YAML with objects to begin with")
    given = parser.parse_args()
    try:
        asyncio.run(_serve(given))
    except KeyboardInterrupt:
        return


async def _serve(given: argparse.Namespace) -> None:
    cluster = Cluster(given.name, WITHOUT_ARGO if given.without_argo else KINDS, virtual=False)
    for path in given.load:
        cluster.make(*filter(None, yaml.safe_load_all(path.read_text(encoding="utf-8"))))
    with tempfile.TemporaryDirectory(prefix="steersman-kubernetes-") as folder:
        async with served(cluster, port=given.port) as url:
            path = kubeconfig(url, Path(folder), context=given.name)
            sys.stdout.write(f"{path}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


if __name__ == "__main__":
    main()
