#!/usr/bin/env python3
"""How often a word on a mono recording is given to the right speaker.

usage: scripts/bench-mono.py PROGRAM [--model NAME] [--roles caller,agent] CALL...

A call with two channels is mixed to one (with ffmpeg) and analysed in both forms: the channels tell for free who said
what. A call with one channel needs a JSON file of its name beside it that lists its turns, as in fixtures/calls. Words of
the mono report are matched to the true ones in order; a word that matches none is judged by its time.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# A word is not the same word if it lies farther away than this.
FAR_MS = 4_000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--model", default="base")
    parser.add_argument("--roles", default="caller,agent", help="of the channels, where no JSON beside the call says them")
    parser.add_argument("calls", nargs="+", type=Path)
    args = parser.parse_args()
    print(f"{'call':24} {'words':>5} {'speaker':>8} {'role':>8} {'confidence':>10}")
    words = voices = roles = calls = named = 0
    for call in args.calls:
        with tempfile.TemporaryDirectory() as folder:
            heard, confidence, true = judge(args, call, Path(folder))
        if not true:
            print(f"{call.stem:24} no truth: one channel and no turns in a JSON file beside it", file=sys.stderr)
            continue
        said_by = match(heard, true)
        right = sum(word[3] == who for word, who in zip(heard, said_by))
        apart = max(right, len(heard) - right)
        words, voices, roles = words + len(heard), voices + apart, roles + right
        calls, named = calls + 1, named + (right == apart)
        share = max(len(heard), 1)
        print(f"{call.stem:24} {len(heard):5} {apart / share:8.1%} {right / share:8.1%} {confidence:10.2f}", flush=True)
    if words:
        print(f"{'all words':24} {words:5} {voices / words:8.1%} {roles / words:8.1%}")
        print(f"caller and agent named right in {named} of {calls} calls")


def judge(args, call, folder):
    """The words of the mono report, its confidence, and the true words."""
    label = call.with_suffix(".json")
    label = json.loads(label.read_text()) if label.exists() else {}
    mono = folder / "mono.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-i", call, "-ac", "1", "-c:a", "pcm_s16le", mono], check=True)
    report = analyze(args, mono, [])
    confidence = report["audio"]["channels"][0]["role_confidence"]
    if channels(call) == 2:
        given = ",".join(label.get("channel_roles", [])) or args.roles
        return spoken(report), confidence, spoken(analyze(args, call, ["--roles", given]))
    return spoken(report), confidence, labelled(label)


def analyze(args, path, more):
    line = [args.program, "analyze", path, "--json", "--quiet", "--model", args.model, *more]
    return json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout)


def channels(path):
    ask = ["ffprobe", "-v", "error", "-show_entries", "stream=channels", "-of", "csv=p=0", path]
    return int(subprocess.run(ask, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[0])


def spoken(report):
    words = [
        (word["start_ms"], word["end_ms"], plain(word["text"]), side(turn["speaker"]))
        for turn in report["turns"]
        for word in turn["words"]
    ]
    return sorted(words)


def labelled(label):
    words = []
    for turn in label.get("turns", []):
        said = turn["text"].split()
        letters, at = sum(len(word) + 1 for word in said), turn["start_ms"]
        for word in said:
            end = at + (turn["end_ms"] - turn["start_ms"]) * (len(word) + 1) / letters
            words.append((at, end, plain(word), side(turn["speaker"])))
            at = end
    return sorted(words)


def plain(text):
    return re.sub(r"[^a-z0-9]", "", text.lower())


def side(speaker):
    return "caller" if speaker == "caller" else "organisation"


def match(heard, true):
    """For each word heard, who said it: the cheapest way to lay both lists over each other."""
    n, m = len(heard), len(true)
    middle = lambda word: (word[0] + word[1]) / 2

    def cost(i, j):
        differs = 0 if heard[i][2] == true[j][2] else 1.2
        return differs + (2 if abs(middle(heard[i]) - middle(true[j])) > FAR_MS else 0)

    best = [list(range(m + 1))] + [[i] + [0] * m for i in range(1, n + 1)]
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            best[i][j] = min(best[i - 1][j - 1] + cost(i - 1, j - 1), best[i - 1][j] + 1, best[i][j - 1] + 1)
    who = [min(true, key=lambda word: max(word[0] - middle(one), middle(one) - word[1], 0))[3] for one in heard]
    i, j = n, m
    while i > 0 and j > 0:
        if best[i][j] == best[i - 1][j - 1] + cost(i - 1, j - 1):
            i, j = i - 1, j - 1
            if cost(i, j) == 0:
                who[i] = true[j][3]
        elif best[i][j] == best[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return who


if __name__ == "__main__":
    main()
