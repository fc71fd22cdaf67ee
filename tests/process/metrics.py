"""Reads /metrics pages as tests need them."""
import re
import subprocess

import support

LINE = re.compile(r'^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def page_of(node):
    """The text of the node's page."""
    status, headers, body = node.admin("GET", "/metrics")
    if status != 200 or not headers["content-type"].startswith("text/plain; version=0.0.4"):
        raise AssertionError((status, headers, body[:200]))
    return body.decode()


def metrics_of(node):
    """{(name, sorted labels): value} of the node's page. A series that is there twice is an error."""
    found = {}
    for line in page_of(node).splitlines():
        if line and not line.startswith("#"):
            name, labels, value = LINE.match(line).groups()
            series = name, tuple(sorted(LABEL.findall(labels or "")))
            if series in found:
                raise AssertionError(f"twice: {line}")
            found[series] = float(value)
    return found


def metrics_when(node, condition, what):
    """The node's page once `condition(page)` holds: an answer may be with its client a moment before it is counted."""
    def there():
        page = metrics_of(node)
        return page if condition(page) else None
    return support.wait_until(there, what)


def total(metrics, name, **labels):
    """The sum of all series of that name that have these labels."""
    wanted = set(labels.items())
    return sum(value for (each, have), value in metrics.items() if each == name and wanted <= set(have))


def values(metrics, name, label, **labels):
    """{value of that label: the series' value} of a metric, without zeros."""
    wanted = set(labels.items())
    return {dict(have)[label]: value for (each, have), value in metrics.items()
            if each == name and value and wanted <= set(have)}


def check_with_promtool(test, page):
    """Fails the test with whatever `promtool check metrics` says of the page's text."""
    told = subprocess.run(["promtool", "check", "metrics"], input=page.encode(), capture_output=True, timeout=60,
                          check=False)
    test.assertEqual((told.returncode, told.stdout, told.stderr), (0, b"", b""))


def families(page):
    """The names that a page explains."""
    return set(re.findall(r"^# TYPE (\S+) ", page, re.MULTILINE))
