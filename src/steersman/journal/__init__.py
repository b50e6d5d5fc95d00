"""The write-ahead journal, approvals, leases and the kill switch: what decides whether something has happened."""
