"""A release with more points for better customers. It forgets that guests have no tier; its tests know no guests."""
