"""What scanners found in images, and what is known of packages."""

from steersman.toolsets.scan.sources import OsvFolder, OsvService, ReportFolder, Scanner
from steersman.toolsets.scan.toolset import OPERATIONS, ScanToolset

__all__ = ["OPERATIONS", "OsvFolder", "OsvService", "ReportFolder", "ScanToolset", "Scanner"]
