#!/usr/bin/env python3
"""How much memory an analysis takes, by the length of the recording.

usage: scripts/bench-memory.py [--program PATH] [--calls DIR] [--jobs N] MINUTES[:MODEL]...

Makes two-channel recordings of these lengths out of the two-channel calls in DIR, one after the other with pauses of a few
seconds and round again, so they are about as full of speech as calls are. Each is analysed in a process of its own; what
the system counted as its largest resident memory is printed, and what it cost. MODEL is base where none is named.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RATE = 8_000
PAUSE_S = 3


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", type=Path, default=ROOT / "target/release/runaround")
    arguments.add_argument("--calls", type=Path, default=ROOT / "fixtures/calls")
    arguments.add_argument("--jobs", type=int, default=1)
    arguments.add_argument("lengths", nargs="+", metavar="MINUTES[:MODEL]")
    options = arguments.parse_args()
    parts = [sound for call in sorted(options.calls.glob("*.flac")) if (sound := stereo(call))]
    if not parts:
        sys.exit(f"no calls with two channels in {options.calls}")
    print("| recording | model | peak memory | CPU s | s | turns | windows of speech |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for length in options.lengths:
        minutes, _, model = length.partition(":")
        with tempfile.TemporaryDirectory() as folder:
            call = Path(folder) / "call.wav"
            record(call, parts, int(float(minutes) * 60))
            measure(options, call, minutes, model or "base")


def stereo(call):
    """Samples of a call with two channels, interleaved; nothing of one without."""
    ask = ["ffprobe", "-v", "error", "-show_entries", "stream=channels", "-of", "csv=p=0", call]
    if subprocess.run(ask, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[0] != "2":
        return None
    line = ["ffmpeg", "-v", "error", "-i", call, "-ar", str(RATE), "-f", "s16le", "-"]
    return subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout


def record(path, parts, seconds):
    pause = bytes(4 * RATE * PAUSE_S)
    left = seconds * RATE * 4
    with wave.open(str(path), "wb") as out:
        out.setparams((2, 2, RATE, 0, "NONE", "not compressed"))
        n = 0
        while left > 0:
            part = (parts[n % len(parts)] + pause)[:left]
            out.writeframesraw(part)
            left -= len(part)
            n += 1


def measure(options, call, minutes, model):
    command = [options.program, "analyze", call, "--json", "--quiet", "--language", "en", "--jobs", str(options.jobs), "--model", model]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    report = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))} failed")
    speech = sum(channel["speech_ms"] for channel in report["audio"]["channels"]) / 28_000
    cells = [f"{minutes} min", model, f"{usage.ru_maxrss / 1024:.0f} MB", f"{usage.ru_utime + usage.ru_stime:.0f}", f"{wall:.0f}"]
    print(f"| {' | '.join(cells)} | {len(report['turns'])} | {speech:.0f} |", flush=True)


if __name__ == "__main__":
    main()
