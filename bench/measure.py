"""Asks a server with wrk, and reads what its processes used meanwhile."""
import contextlib
import os
import re
import subprocess

import servers

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pids):
    """User and kernel time of the processes so far, and of those that they started and that have ended."""
    return sum(cpu_parts(pids))


def cpu_parts(pids):
    """(user, kernel)"""
    times = [[int(each) for each in servers.stat_fields(pid)[11:15]] for pid in pids]
    return tuple(sum(each[part] + each[part + 2] for each in times) / TICKS_PER_S for part in (0, 1))


def look_at(server):
    """((user, kernel) seconds, resident bytes) of all its processes."""
    for _ in range(10):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # one ended between two looks
            pids = server.pids()
            return cpu_parts(pids), resident_bytes(pids)
    raise servers.Failed(f"{server.name}: its processes end all the time")


def resident_bytes(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            total += int(file.read().split()[1])
    return total * PAGE_BYTES


def milliseconds(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


def read_wrk(output):
    """(requests, requests per second, p50 ms, p99 ms) of what wrk printed; any answer but 2xx and any broken
    connection is an error."""
    if "Non-2xx" in output or "Socket errors" in output:
        raise servers.Failed(f"wrk reports:\n{output}")

    def find(pattern):
        return re.search(pattern, output, re.MULTILINE).group(1)
    return (int(find(r"(\d+) requests in")), float(find(r"Requests/sec:\s*([\d.]+)")),
            milliseconds(find(r"^\s+50%\s+(\S+)")), milliseconds(find(r"^\s+99%\s+(\S+)")))


def run_wrk(url, connections, seconds, *flags):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *flags, url]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise servers.Failed(f"wrk: {done.stderr.strip()}")
    return read_wrk(done.stdout)


def measure(server, connections, seconds, *flags):
    """{figure: value}; `flags` are further ones of wrk."""
    before, _ = look_at(server)
    count, per_s, p50, p99 = run_wrk(server.url, connections, seconds, *flags)
    after, resident = look_at(server)
    if count == 0:
        raise servers.Failed(f"{server.name}: no request was answered in {seconds} s")
    user_us, kernel_us = ((now - then) * 1e6 / count for now, then in zip(after, before))
    return {"requests": count, "requests_per_s": per_s, "p50_ms": p50, "p99_ms": p99, "cpu_us": user_us + kernel_us,
            "user_us": user_us, "resident_mb": resident / 1e6}
