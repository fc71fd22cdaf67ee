"""What a page of measurements has to say of where and of what they were made."""
import os
import platform
import re
import subprocess
import time

import nodes
import servers

WORKERD_PACKAGE = os.path.join(servers.PEERS, "node_modules/workerd/package.json")


def version_of(*command):
    """The first line that it prints, or why there is none."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError:
        return "not installed"
    return (done.stdout + done.stderr).strip().split("\n")[0]


def first_match(path, pattern):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        return "unknown"
    return found.group(1) if found else "unknown"


def commit():
    """Of the tree that was measured, with a word when it has been changed since."""
    def git(*words):
        try:
            done = subprocess.run(["git", "-C", servers.ROOT, *words], stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True)
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None
    head = git("rev-parse", "--short", "HEAD")
    if head is None:
        return "unknown"
    return head + (" with changes" if git("status", "--porcelain", "--untracked-files=no") else "")


def about():
    memory_kb = first_match("/proc/meminfo", r"^MemTotal:\s*(\d+)")
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "commit": commit(),
        "troupe": version_of(nodes.Node.program, "--version"),
        "processor": first_match("/proc/cpuinfo", r"^model name\s*:\s*(.+)"),
        "cores": os.cpu_count(),
        "memory": f"{int(memory_kb) / 1e6:.0f} GB" if memory_kb.isdigit() else memory_kb,
        "system": first_match("/etc/os-release", r'^PRETTY_NAME="([^"]+)"') + ", kernel " + platform.release(),
        # Of a quiet machine it is near 0: others that work at the same time show here.
        "load": f"{os.getloadavg()[0]:.2f}",
        "node": version_of("node", "--version"),
        "python": version_of("/usr/bin/python3", "--version"),
        "nginx": version_of("/usr/sbin/nginx", "-v"),
        "workerd": first_match(WORKERD_PACKAGE, r'"version":\s*"([^"]+)"').replace("unknown", "not installed"),
    }
