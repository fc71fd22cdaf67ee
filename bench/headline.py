"""The picture for the README: CPU per request of troupe's functions beside their peers."""
import blocks
import charts
import figures

# (heading, servers of the group `requests`)
PANELS = (("A native function", ("native", "lua")), ("A JavaScript function", ("node", "node-http", "workerd")))
OWN = ("native", "node")
LOOPS = 1
CONNECTIONS = 64
TOP = 44
HEADING_HEIGHT = 28


def panels_of(results):
    """[(heading, bars)] of what was measured; a panel needs troupe and a peer."""
    found = []
    for heading, names in PANELS:
        chart = blocks.bars_of(results, heading, "us", LOOPS, CONNECTIONS, OWN)
        titles = [results.titles[name] for name in names if name in results.titles]
        bars = [bar for title in titles for bar in chart.bars if bar.label == title]
        if len(bars) >= 2 and any(bar.own for bar in bars):
            found.append((heading, bars))
    return found


def svg_of(written):
    """The picture as text, of the file of the group `requests`; None when that has not enough."""
    panels = panels_of(figures.read_results(written["measured"]))
    if not panels:
        return None
    most = max(charts.furthest(bars) for _, bars in panels)
    top, parts = TOP, []
    for heading, bars in panels:
        parts.append(f'<text class="heading" x="{charts.LABEL_WIDTH}" y="{top + 18}">{charts.escaped(heading)}</text>')
        top += HEADING_HEIGHT
        parts += charts.rows_of(bars, "µs", top, most)
        top += len(bars) * charts.ROW_HEIGHT + 8
    about = written["about"]
    words = (f"{CONNECTIONS} kept connections, one loop or worker each, log off; median of {about['rounds']} "
             f"interleaved rounds; {about['cores']} cores, Node {about['node']}; bench/run, {about['date'][:10]}")
    figures_in_words = "; ".join(f"{bar.label} {charts.label_of(bar, 'µs')}" for _, bars in panels for bar in bars)
    height = top + 26
    return (f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {charts.WIDTH} {height}" '
            f'width="{charts.WIDTH}" height="{height}" role="img">\n'
            f"<title>CPU time per HTTP request: {charts.escaped(figures_in_words)}</title>\n"
            f"<style>\n{charts.STYLE}</style>\n"
            f'<text class="heading" x="{charts.LABEL_WIDTH}" y="24">CPU time per HTTP request (less is better)</text>\n'
            + "\n".join(parts)
            + f'\n<text class="small" x="16" y="{height - 10}">{charts.escaped(words)}</text>\n</svg>\n')
