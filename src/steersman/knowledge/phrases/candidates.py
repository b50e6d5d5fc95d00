"""Which operations may do what a step's text says. A table, so that a test can hold it against the contracts."""

from __future__ import annotations

from steersman.domain.ids import OperationName


def _names(text: str) -> tuple[OperationName, ...]:
    return tuple(OperationName(name) for name in text.split())


CANDIDATES: dict[str, tuple[OperationName, ...]] = {
    "apply": _names(
        "argo_rollouts.set_image kubernetes.set_image kubernetes.apply_deployment helm.upgrade argocd.sync"
    ),
    "wait_ready": _names("argo_rollouts.await_step kubernetes.await_ready"),
    "shift_traffic": _names("argo_rollouts.set_weight gateway.set_weights"),
    "check_signals": _names("prometheus.check_query"),
    "watch": _names("prometheus.check_query"),
    "rollback": _names("argo_rollouts.abort kubernetes.set_image helm.rollback"),
    "backup": _names("postgres.backup kubernetes.snapshot_volume"),
    "restart": _names("kubernetes.restart"),
    "scale": _names("kubernetes.scale"),
    "smoke_test": _names("k6.run"),
    "load_test": _names("k6.run"),
    "build": _names("ci.build_image"),
    "scan": _names("registry.scan"),
    "drain": _names("kubernetes.drain"),
    "cordon": _names("kubernetes.cordon"),
    "uncordon": _names("kubernetes.cordon"),
    "migrate": _names("postgres.migrate"),
    "rotate": _names("vault.rotate_secret certmanager.renew"),
    "approve": (),
    "notify": _names("notify.send"),
}
