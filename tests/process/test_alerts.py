"""The alert rules of docs/alerts.yml: each fires for what it says, is explained, and works in a real Prometheus."""
import json
import os
import re
import shutil
import subprocess
import unittest
import urllib.request

import support

RULES = os.path.join(support.SOURCE_DIR, "docs", "alerts.yml")
DOCUMENT = os.path.join(support.SOURCE_DIR, "docs", "metrics.md")
SETTINGS = os.path.join(support.SOURCE_DIR, "docs", "settings.md")
UNIT_TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "alerts_test.yml")


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def promtool(*arguments):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)


class RulesTest(unittest.TestCase):
    names = re.findall(r"- alert: (\w+)", text_of(RULES))

    def test_promtool_accepts_them(self):
        told = promtool("check", "rules", RULES)
        self.assertEqual((told.returncode, told.stderr), (0, ""), told.stdout)
        self.assertIn(f"{len(self.names)} rules found", told.stdout)

    def test_each_fires_for_what_it_says_and_none_for_a_node_that_is_well(self):
        told = promtool("test", "rules", UNIT_TESTS)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertEqual(re.findall(r"- name: (Troupe\w+)", text_of(UNIT_TESTS)), self.names)

    def test_each_is_in_the_documentation(self):
        self.assertEqual(re.findall(r"^\| `(Troupe\w+)` \|", text_of(DOCUMENT), re.MULTILINE), self.names)

    def test_they_use_metrics_that_exist(self):
        expressions = re.findall(r"expr: (.*?)\n +(?:for|labels):", text_of(RULES), re.DOTALL)
        self.assertEqual(len(expressions), len(self.names))
        used = {re.sub(r"_bucket$", "", name) for name in re.findall(r"troupe_\w+", " ".join(expressions))}
        self.assertGreater(len(used), 15)
        self.assertLessEqual(used, set(re.findall(r"`(troupe_\w+)`", text_of(DOCUMENT))))


    def test_settings_that_are_named_exist(self):
        keys = set(re.findall(r"^\| `([a-z_.]+)` \|", text_of(SETTINGS), re.MULTILINE))
        self.assertGreater(len(keys), 40)
        areas = "|".join(sorted({key.split(".")[0] for key in keys if "." in key}))
        for path in (RULES, DOCUMENT):
            text = re.sub(r"[\w/]+\.(?:md|yml)\b", "", text_of(path))
            named = set(re.findall(rf"\b(?:{areas})\.[a-z_]+", text)) | set(re.findall(r"\bsetting `?([a-z_.]+\b)", text))
            self.assertGreater(len(named), 1)
            self.assertLessEqual(named, keys, path)


class PrometheusTest(unittest.TestCase):
    """A real Prometheus scrapes a node every 200 ms and judges the rules."""

    def setUp(self):
        folder = self.enterContext(support.TempDir())
        self.node = self.enterContext(support.Node())
        support.write_files(folder, {"prometheus.yml": json.dumps({
            "global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"},
            "rule_files": [RULES],
            "scrape_configs": [{"job_name": "troupe", "static_configs": [{"targets": [self.node.admin_address]}]}]})})
        self.port = support.free_ports(1)[0]
        server = subprocess.Popen(
            [shutil.which("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)

    def ask(self, path):
        """What the API answers to a GET; nothing while Prometheus starts."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=5) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def value_of(self, query):
        found = (self.ask("query?query=" + urllib.request.quote(query)) or {"result": []})["result"]
        return float(found[0]["value"][1]) if found else None

    def test_it_has_the_series_and_no_rule_fails(self):
        self.node.deploy_files("shop", "exports.handler = async () => 'well';", "--route", "GET /shop/{what}")
        self.node.request("GET", "/shop/a")
        found = support.wait_until(
            lambda: (self.ask("query?query=troupe_http_requests_total%7Bfunction%3D%22shop%22%7D")
                     or {"result": []})["result"], "Prometheus has the series")
        self.assertEqual(found[0]["metric"]["route"], "GET /shop/{what}")
        self.assertEqual(self.value_of('troupe_function_instances{function="shop",state="idle"}'), 1)

        def judged():
            rules = [rule for group in (self.ask("rules") or {"groups": []})["groups"] for rule in group["rules"]]
            return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None
        rules = support.wait_until(judged, "all rules were judged")
        self.assertEqual({(rule["name"], rule["health"], rule.get("lastError", "")) for rule in rules},
                         {(name, "ok", "") for name in RulesTest.names})
        self.assertEqual([alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"]
                          if alert["state"] == "firing"], [])

    def test_a_breaker_that_opens_fires_its_alert_until_a_deployment_closes_it(self):
        def firing():
            return {(alert["labels"]["alertname"], alert["labels"]["function"])
                    for alert in (self.ask("alerts") or {"alerts": []})["alerts"] if alert["state"] == "firing"}
        self.node.deploy_files("broken", "exports.handler = async () => 1; throw new Error('on purpose');", check=False)
        # Each request wants a start.
        support.wait_until(lambda: self.node.request("GET", "/broken")[1].get("x-troupe-error") == "breaker_open",
                           "the open breaker")
        support.wait_until(lambda: ("TroupeBreakerOpen", "broken") in firing(), "the alert")
        self.node.deploy_files("broken", "exports.handler = async () => 'mended';")
        support.wait_until(lambda: ("TroupeBreakerOpen", "broken") not in firing(), "its end")


if __name__ == "__main__":
    unittest.main()
