"""What there is."""

from __future__ import annotations

CATEGORIES = ("boats", "ropes", "charts", "lamps")
PRODUCTS = [
    (f"{category}-{number:02d}", category, f"{category[:-1].title()} no. {number}", 500 + 137 * number, 40 + number)
    for category in CATEGORIES
    for number in range(24)
]
