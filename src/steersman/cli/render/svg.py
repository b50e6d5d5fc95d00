"""A signal as a small SVG picture that stands inline in Markdown: no script, no link, no outside file."""

from __future__ import annotations

from html import escape

from steersman.cli.render.text import untrusted, utc
from steersman.domain.signal import UNIT, Series, Window

WIDTH, HEIGHT = 640, 132
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 24, 22
MOST_POINTS = 600
INK, FAINT, LINE, SHADE = "#1f2933", "#7b8794", "#2563eb", "#fee2e2"
_FONT = "font-family='ui-sans-serif,system-ui,sans-serif'"


def chart(series: Series, whole: Window, incident: Window) -> str:
    """The series over the whole window, with the incident shaded. One element without blank lines."""
    points = _thinned(series)
    low, high = _bounds([value for _, value in points])
    span_s = max((whole.end - whole.start).total_seconds(), 1e-9)
    start = whole.start.timestamp()

    def across(at: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * min(max((at - start) / span_s, 0.0), 1.0), 1)

    def up(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low)), 1)

    path = " ".join(f"{across(at)},{up(value)}" for at, value in points)
    shade = (across(incident.start.timestamp()), across(incident.end.timestamp()))
    wide = max(shade[1] - shade[0], 1)
    title = escape(untrusted(f"{series.signal} · {series.selector.service or 'all'}"), quote=True)
    floor = HEIGHT - BOTTOM
    return "\n".join(
        (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' role='img'>",
            f"<title>{title}</title>",
            f"<rect x='{shade[0]}' y='{TOP}' width='{wide:g}' height='{floor - TOP}' fill='{SHADE}'/>",
            f"<line x1='{LEFT}' y1='{floor}' x2='{WIDTH - RIGHT}' y2='{floor}' stroke='{FAINT}' stroke-width='1'/>",
            f"<polyline points='{path}' fill='none' stroke='{LINE}' stroke-width='1.6' stroke-linejoin='round'/>",
            _words(LEFT, TOP - 9, title, INK, size=12),
            _words(LEFT - 6, TOP + 8, amount(series.signal, high), FAINT, anchor="end"),
            _words(LEFT - 6, floor, amount(series.signal, low), FAINT, anchor="end"),
            _words(LEFT, HEIGHT - 6, utc(whole.start)[:19] + "Z", FAINT),
            _words(WIDTH - RIGHT, HEIGHT - 6, utc(whole.end)[:19] + "Z", FAINT, anchor="end"),
            "</svg>",
        )
    )


def amount(signal: str, value: float) -> str:
    """A value with the unit of its signal, as people write it."""
    unit = next((unit for name, unit in UNIT.items() if name == signal), "")
    if unit == "ratio":
        return f"{value * 100:.3g} %"
    if unit == "bytes":
        return f"{value / 2**20:.3g} MiB"
    return f"{value:.3g} {unit}".strip() if unit != "count" else f"{value:.3g}"


def _words(x: float, y: float, text: str, colour: str, *, anchor: str = "start", size: int = 10) -> str:
    return f"<text x='{x:g}' y='{y:g}' font-size='{size}' fill='{colour}' text-anchor='{anchor}' {_FONT}>{text}</text>"


def _bounds(values: list[float]) -> tuple[float, float]:
    low, high = min([0.0, *values]), max([0.0, *values])
    return (low, high) if high > low else (low, low + 1.0)


def _thinned(series: Series) -> list[tuple[float, float]]:
    """At most so many points; of several that fall together the farthest from zero, so that no peak is lost."""
    points = list(zip(series.times, series.values, strict=True))
    size = -(-len(points) // MOST_POINTS) or 1
    return [max(points[i : i + size], key=lambda point: abs(point[1])) for i in range(0, len(points), size)]
