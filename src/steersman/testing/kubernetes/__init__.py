"""A small, strict Kubernetes API server: discovery, CRUD, watch, four patches, managed fields, controllers.

    cluster = Cluster()
    client = httpx.AsyncClient(transport=ClusterTransport(cluster), base_url="http://cluster")

or, for other processes, `python -m steersman.testing.kubernetes --port 0`.
"""

from steersman.testing.kubernetes.access import User, service_account
from steersman.testing.kubernetes.cluster import ADMIN_TOKEN, Cluster
from steersman.testing.kubernetes.kinds import KINDS, WITHOUT_ARGO
from steersman.testing.kubernetes.serving import ClusterTransport, kubeconfig, served

__all__ = [
    "ADMIN_TOKEN",
    "KINDS",
    "WITHOUT_ARGO",
    "Cluster",
    "ClusterTransport",
    "User",
    "kubeconfig",
    "served",
    "service_account",
]
