"""Vector stores and embedders: where scenarios are kept and found by meaning. Does I/O; decides nothing."""
