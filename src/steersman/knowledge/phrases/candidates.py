"""Which operations may do what a step's text says. A table, so that a test can hold it against the contracts."""

from __future__ import annotations

from steersman.domain.ids import OperationName


def _names(text: str) -> tuple[OperationName, ...]:
    return tuple(OperationName(name) for name in text.split())


CANDIDATES: dict[str, tuple[OperationName, ...]] = {
    "apply": _names(
        "argo_rollouts.set_image kubernetes.set_image kubernetes.apply_deployment helm.upgrade argocd.sync"
    ),
    "wait_ready": _names("argo_rollouts.watch_rollout kubernetes.watch_deployment helm.watch_release"),
    "shift_traffic": _names("argo_rollouts.set_weight gateway.set_weights"),
    "check_signals": _names("prometheus.check_query"),
    "watch": _names("prometheus.check_query"),
    "rollback": _names("argo_rollouts.set_weight kubernetes.set_image helm.upgrade gateway.set_weights"),
    "backup": _names("postgres.backup"),
    "restart": _names("kubernetes.restart"),
    "scale": _names("kubernetes.scale"),
    "smoke_test": _names("k6.run"),
    "load_test": _names("k6.run"),
    "build": _names("ci.start_run"),
    "scan": _names("scan.image"),
    "drain": _names("kubernetes.set_drained"),
    "cordon": _names("kubernetes.set_schedulable"),
    "uncordon": _names("kubernetes.set_schedulable"),
    "migrate": _names("postgres.migrate"),
    "rotate": _names("vault.publish_staged certmanager.renew"),
    "approve": (),
    "notify": (),
}
