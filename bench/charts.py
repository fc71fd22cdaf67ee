"""Draws bars as SVG. Colors are classes, so that the page and the picture of the README each bring their own."""
import html

import blocks

LABEL_WIDTH = 250
BAR_WIDTH = 420
VALUE_WIDTH = 110
WIDTH = LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH
ROW_HEIGHT = 26
BAR_HEIGHT = 14

# For light and for dark surroundings, which a page and a picture are shown in alike.
STYLE = """\
.chart text { font: 13px system-ui, sans-serif; fill: #24292f; }
.chart .value { font-variant-numeric: tabular-nums; }
.chart .own { fill: #0969da; } .chart .peer { fill: #afb8c1; }
.chart .reach { stroke: #57606a; stroke-width: 1.5; } .chart .budget { stroke: #cf222e; stroke-dasharray: 4 3; }
.chart .small { font-size: 11px; fill: #57606a; } .chart .heading { font-weight: 600; }
@media (prefers-color-scheme: dark) {
  .chart text { fill: #e6edf3; } .chart .small { fill: #9da7b1; }
  .chart .own { fill: #4493f8; } .chart .peer { fill: #565f6a; }
  .chart .reach { stroke: #c2cad2; } .chart .budget { stroke: #f85149; }
}
"""


def escaped(text):
    return html.escape(str(text), quote=True)


def label_of(bar, unit):
    return f"{blocks.number(bar.value)} {unit}"


def rows_of(bars, unit, top, most, budget=None):
    """The elements of some bars, the first of them at `top`, on a scale to `most`."""
    scale = BAR_WIDTH / most if most > 0 else 0
    found = []
    for number, bar in enumerate(bars):
        middle = top + number * ROW_HEIGHT + ROW_HEIGHT / 2
        length = max(1, bar.value * scale)
        base = middle + 4.5
        kind = "own" if bar.own else "peer"
        found.append(f'<text x="{LABEL_WIDTH - 10}" y="{base:.1f}" text-anchor="end">{escaped(bar.label)}</text>')
        found.append(f'<rect class="{kind}" x="{LABEL_WIDTH}" y="{middle - BAR_HEIGHT / 2:.1f}" width="{length:.1f}" '
                     f'height="{BAR_HEIGHT}" rx="2"/>')
        least, most_here = (LABEL_WIDTH + value * scale for value in (bar.least, bar.most))
        if most_here - least >= 1:
            found.append(f'<line class="reach" x1="{least:.1f}" y1="{middle:.1f}" x2="{most_here:.1f}" '
                         f'y2="{middle:.1f}"/>')
        found.append(f'<text class="value" x="{max(LABEL_WIDTH + length, most_here) + 8:.1f}" y="{base:.1f}">'
                     f'{escaped(label_of(bar, unit))}</text>')
    if budget is not None and budget <= most:
        x = LABEL_WIDTH + budget * scale
        found.append(f'<line class="budget" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + len(bars) * ROW_HEIGHT}"/>')
    return found


def furthest(bars, budget=None):
    return max([bar.most for bar in bars] + [bar.value for bar in bars] + [budget or 0])


def svg_of(chart):
    """A chart for a page that brings the style."""
    height = len(chart.bars) * ROW_HEIGHT
    rows = rows_of(chart.bars, chart.unit, 0, furthest(chart.bars, chart.budget), chart.budget)
    words = "; ".join(f"{bar.label} {label_of(bar, chart.unit)}" for bar in chart.bars)
    return (f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img">'
            f"<title>{escaped(chart.title)}: {escaped(words)}</title>\n" + "\n".join(rows) + "\n</svg>")
