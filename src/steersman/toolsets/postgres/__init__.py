"""PostgreSQL: looks by a role that can only read; backups that were restored before they count; reviewed migrations.

What needs the driver (extra `postgres`) lies in `toolset`: the operations can be listed without it.
"""

from steersman.toolsets.postgres.operations import OPERATIONS

__all__ = ["OPERATIONS"]
