"""Rules, roles, and the desk where people answer, as configured."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from steersman.app.settings import Settings
from steersman.app.store import CLOCK, keyring, local_user, principal
from steersman.domain.environment import Principal
from steersman.domain.errors import ConfigError
from steersman.domain.ids import PrincipalId
from steersman.gate.desk import ApprovalDesk
from steersman.journal.sql import SqlJournal
from steersman.policy.engine import Policy
from steersman.policy.engine import load as load_policy


def policy(settings: Settings) -> Policy:
    """The shipped rules with the operator's files. Raises ConfigError naming file and defect."""
    documents = []
    for path in settings.policy.files:
        try:
            documents.append((str(path), yaml.safe_load(path.read_text(encoding="utf-8"))))
        except OSError as e:
            raise ConfigError(f"policy file {str(path)!r}: {e.strerror}; mend policy.files") from e
        except yaml.YAMLError as e:
            raise ConfigError(f"policy file {str(path)!r} is not YAML: {' '.join(str(e).split())}") from e
    return load_policy(*documents)


def directory(settings: Settings) -> Callable[[PrincipalId], Principal | None]:
    """Who is who, as configured now: the local user, and everybody whom the configuration names."""
    known = {local_user(settings).id, *map(PrincipalId, settings.principals.roles)}
    return lambda name: principal(settings, name) if name in known else None


def desk(settings: Settings, journal: SqlJournal) -> ApprovalDesk:
    """Where people answer."""
    return ApprovalDesk(journal, keyring(settings), policy(settings), directory(settings), CLOCK)
