"""One file a system; none imports another, none knows the gate."""
