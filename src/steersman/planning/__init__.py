"""HTN planner, plan checker, plan diff. Pure."""
