"""A heat map as SVG, with the standard library alone."""

from typing import List, Sequence

# From dark to bright, as people see it (after viridis).
COLOURS = [(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)]
CELL, LEFT, TOP = 22, 70, 50


def colour(share: float) -> str:
    """The colour of a share from 0 to 1."""
    at = min(max(share, 0.0), 1.0) * (len(COLOURS) - 1)
    i = min(int(at), len(COLOURS) - 2)
    mixed = (round(a + (b - a) * (at - i)) for a, b in zip(COLOURS[i], COLOURS[i + 1]))
    return "#%02x%02x%02x" % tuple(mixed)


def heatmap(xs: Sequence[float], ys: Sequence[float], values: Sequence[Sequence[float]], title: str, x: str, y: str) -> str:
    """``values[i][j]`` belongs to ``xs[i]`` and ``ys[j]``."""
    low = min(min(row) for row in values)
    high = max(max(row) for row in values)
    width, height = CELL * len(xs), CELL * len(ys)
    parts: List[str] = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + width + 110}" height="{TOP + height + 60}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="28" font-size="16">{title}</text>',
    ]
    for i, column in enumerate(values):
        for j, value in enumerate(column):
            share = (value - low) / (high - low or 1)
            at = f'x="{LEFT + CELL * i}" y="{TOP + height - CELL * (j + 1)}" width="{CELL}" height="{CELL}"'
            parts.append(f'<rect {at} fill="{colour(share)}"><title>{x} {xs[i]:.3g}, {y} {ys[j]:.3g}: {value:.3g}</title></rect>')
    for i in sorted({0, len(xs) // 2, len(xs) - 1}):
        parts.append(f'<text x="{LEFT + CELL * i + CELL / 2}" y="{TOP + height + 18}" text-anchor="middle">{xs[i]:.3g}</text>')
    for j in sorted({0, len(ys) // 2, len(ys) - 1}):
        parts.append(f'<text x="{LEFT - 8}" y="{TOP + height - CELL * j - 7}" text-anchor="end">{ys[j]:.3g}</text>')
    parts.append(f'<text x="{LEFT + width / 2}" y="{TOP + height + 42}" text-anchor="middle">{x}</text>')
    parts.append(f'<text transform="translate(20 {TOP + height / 2}) rotate(-90)" text-anchor="middle">{y}</text>')
    for step in range(50):
        parts.append(f'<rect x="{LEFT + width + 20}" y="{TOP + height * (49 - step) / 50:.1f}" width="16" height="{height / 50 + 0.5:.1f}" fill="{colour(step / 49)}"/>')
    parts.append(f'<text x="{LEFT + width + 42}" y="{TOP + 12}">{high:.3g}</text>')
    parts.append(f'<text x="{LEFT + width + 42}" y="{TOP + height}">{low:.3g}</text>')
    return "\n".join(parts + ["</svg>", ""])
