"""`bench/run`: measures the groups that were asked for, one after the other, and makes the page of what there is."""
import signal
import subprocess
import sys

import access_logs
import bodies
import cluster
import cold
import costs
import functions
import idle
import page
import peers
import program
import servers
import small_requests
import store

# In the order of the page.
GROUPS = {
    "requests": small_requests,
    "logs": access_logs,
    "costs": costs,
    "functions": functions,
    "cold": cold,
    "idle": idle,
    "bodies": bodies,
    "cluster": cluster,
    "store": store,
}
# What measures nothing, and needs neither packages nor a build.
STEPS = {"peers": peers, "page": page}

USAGE = """\
usage: bench/run [GROUP...] [options]

Installs what is missing, builds preset bench and measures troupe beside its peers on this machine. Without a group:
gets the peers, measures everything and makes the page, in about half an hour.

{groups}
  peers      installs workerd with npm; without it its rows are left out
  page       makes build/bench-results/index.html of what was measured, by this run or earlier ones

options, for any number of groups:
  --quick        few and short rounds: to try it, not for figures
  --build DIR    measures this build (preset bench) and builds nothing
  --results DIR  where each group leaves a file of all single measurements
  --check        exit with 1 when a budget is exceeded

`bench/run GROUP --help` has those of one group."""


def usage():
    return USAGE.format(groups="\n".join(f"  {name:<10} {group.TITLE}" for name, group in GROUPS.items()))


def parse(words):
    """The names of groups and steps, and {name: its options}."""
    count = next((number for number, word in enumerate(words) if word.startswith("-")), len(words))
    names, arguments = words[:count], words[count:]
    every = {**GROUPS, **STEPS}
    for name in names:
        if name not in every:
            print(f"bench/run: no group {name!r}; there are {', '.join(every)}", file=sys.stderr)
            sys.exit(2)
    if not names and {"--help", "-h"} & set(arguments):
        print(usage())
        sys.exit(0)
    names = names or ["peers", *GROUPS, "page"]
    if len(names) > 1:
        program.Parser("bench/run", "", "few and short rounds").parse(arguments)
    return {name: every[name].parse(arguments) for name in names}


def prepare(options):
    """Packages and the build."""
    subprocess.run(["scripts/install-packages", "build", "run", "bench"], cwd=servers.ROOT, check=True)
    if not options.build:
        print("== Building preset bench (build/bench)", flush=True)
        subprocess.run(["cmake", "--preset", "bench"], cwd=servers.ROOT, check=True)
        subprocess.run(["cmake", "--build", "--preset", "bench", "--target", "all", "basp_hop", "store_load"],
                       cwd=servers.ROOT, check=True)


def run(name, options, words):
    if name in STEPS:
        return STEPS[name].run(options, GROUPS)
    return program.run(name, GROUPS[name], options, " ".join(["bench/run", *words]))


def main(words):
    asked = parse(words)
    measured = [name for name in asked if name in GROUPS]
    try:
        if measured:
            prepare(asked[measured[0]])
    except subprocess.CalledProcessError as problem:
        print(f"bench/run: {problem}", file=sys.stderr)
        return 1
    # SIGTERM goes through the clean-up of whoever holds servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    codes = {}
    try:
        for name, options in asked.items():
            codes[name] = run(name, options, words)
    except KeyboardInterrupt:
        print("\nbench/run: interrupted; what was measured is kept", file=sys.stderr)
        if "page" in asked:
            run("page", asked["page"], words)
        return 130
    if len(asked) > 1:
        codes.pop("peers", None)  # said, and on the page: nothing but workerd's own rows depends on it
    return max(codes.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
