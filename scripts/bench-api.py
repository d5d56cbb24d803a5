#!/usr/bin/env python3
"""How fast lists, searches, trends and a re-score are over many stored calls.

Usage: scripts/bench-api.py [PROGRAM] [CALLS] [ROUNDS]

Fills a data folder with made-up calls, starts the server over it and asks each question ROUNDS times over one
connection. Prints the median and the 99th percentile of the time until the answer is there, and what it costs the
server in CPU time (which other work on the machine does not distort).
"""

import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "target/release/runaround"
CALLS = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 200

QUESTIONS = {
    "list, newest": ["/v1/calls?limit=50"],
    "list, worst score": ["/v1/calls?limit=50&sort=score"],
    "list, filtered": [
        "/v1/calls?limit=50&team=North&deflected=true",
        "/v1/calls?limit=50&target=website&pushed_back=true",
        "/v1/calls?limit=50&label=script.policy_quote&sort=score",
        "/v1/calls?limit=50&agent=Dana%20N&tag=vip",
        "/v1/calls?limit=50&queue=billing&outcome=deflected_unresolved",
    ],
    "search, rare words": ["/v1/calls?q=roofer", "/v1/calls?q=refund%20sofa", "/v1/calls?q=%22flu%20shot%22", "/v1/calls?q=passport"],
    "search, common words": ["/v1/calls?q=website", "/v1/calls?q=the", "/v1/calls?q=you%20can", "/v1/calls?q=i%20-website"],
    "one call": ["/v1/calls/{id}", "/v1/calls/{id}/findings", "/v1/calls/{id}/transcript"],
    "trends, all": ["/v1/trends", "/v1/trends?by=week&group=team"],
    "trends, groups": ["/v1/trends?by=week&group=" + group for group in ("agent", "queue", "request", "target")],
    # Another stretch of time each round, so that nothing can be remembered.
    "trends, counted anew": ["/v1/trends?by=week&from=2001-01-01T00:{minute:02}:{second:02}Z"],
    "agents, detectors": ["/v1/agents", "/v1/queues", "/v1/detectors"],
}


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    with tempfile.TemporaryDirectory() as folder:
        data = os.environ.get("RUNAROUND_BENCH_DATA") or os.path.join(folder, "data")
        if not os.path.exists(os.path.join(data, "runaround.db")):
            subprocess.run([PROGRAM, "seed", "--data", data, "--calls", str(CALLS)], check=True)
        command = [PROGRAM, "serve", "--no-auth", "--listen", "127.0.0.1:0", "--disk-reserve", "0", "--data", data]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            address = server.stdout.readline().strip().rsplit("http://", 1)[1]
            ask(server.pid, address)
        finally:
            server.terminate()
            server.wait()


def ask(pid, address):
    connection = http.client.HTTPConnection(address, timeout=600)

    def get(path, method="GET", body=None):
        headers = {"content-type": "application/json"} if body else {}
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status in (200, 201), (answer.status, path, text[:300])
        return text

    ids = [call["id"] for call in json.loads(get("/v1/calls?limit=200"))["calls"]]
    random.seed(1)
    print(f"{'':24}{'median':>9}{'p99':>9}{'CPU':>9}   (ms)")
    for name, paths in QUESTIONS.items():
        times = []
        begun = cpu(pid)
        for n in range(ROUNDS):
            path = paths[n % len(paths)].format(id=random.choice(ids), minute=n // 60 % 60, second=n % 60)
            start = time.perf_counter()
            get(path)
            times.append((time.perf_counter() - start) * 1000)
        times.sort()
        cost = (cpu(pid) - begun) * 1000 / ROUNDS
        print(f"{name:24}{times[len(times) // 2]:9.1f}{times[int(len(times) * 0.99)]:9.1f}{cost:9.1f}", flush=True)

    toml = subprocess.run([PROGRAM, "playbook", "example"], check=True, capture_output=True, text=True).stdout
    playbook = json.loads(get("/v1/playbooks", "POST", json.dumps({"toml": toml})))["id"]
    for apply in (False, True):
        begun, start = cpu(pid), time.perf_counter()
        answer = json.loads(get(f"/v1/playbooks/{playbook}/rescore", "POST", json.dumps({"apply": apply})))
        took, cost = time.perf_counter() - start, cpu(pid) - begun
        what = "re-score, applied" if apply else "re-score, trial"
        print(f"{what:24}{took:8.1f} s, {cost:.1f} s of CPU: {answer['calls']} calls, {answer['changed']} changed")


main()
