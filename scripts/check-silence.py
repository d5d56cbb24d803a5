#!/usr/bin/env python3
"""Nobody speaks for an hour, and nothing may be heard.

Usage: scripts/check-silence.py [--program PATH] [--model NAME] [--minutes N] [RECORDING...]

Makes a call out of dial tone, ringing, busy and error tones, keys, hold music, comfort noise, breathing and silence, and
analyses it and any RECORDING given (without speech, please) with the speech model. Fails if a report holds a word or a
finding. Needs ffmpeg.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TURN = "2*PI*t*"
RATE = 8000


def signal(formula):
    return f"aevalsrc=exprs='{formula}':sample_rate={RATE}"


def tones(*hertz, on=None, every=None, level=0.15):
    """Steady tones together, or for the first `on` of each `every` seconds."""
    sum_of = "+".join(f"sin({TURN}{h})" for h in hertz)
    gate = f"*lt(mod(t,{every}),{on})" if on else ""
    return signal(f"{level}*({sum_of}){gate}")


def keys():
    """Keys of a telephone, 100 ms each, two a second, all twelve in turn."""
    row = "+".join(f"eq(mod(floor(2*t/3),4),{n})*{h}" for n, h in enumerate((697, 770, 852, 941)))
    column = "+".join(f"eq(mod(floor(2*t),3),{n})*{h}" for n, h in enumerate((1209, 1336, 1477)))
    return signal(f"0.2*lt(mod(t,0.5),0.1)*(sin({TURN}({row}))+sin({TURN}({column})))")


def music():
    """Four chords, a plucked tune over them, a bass below."""
    chord = "+".join(f"eq(mod(floor(t/2),4),{n})*{h}" for n, h in enumerate((261.6, 220.0, 174.6, 196.0)))
    step = "+".join(f"eq(mod(floor(4*t),5),{n})*{r}" for n, r in enumerate((1, 1.25, 1.5, 2, 1.5)))
    pluck = "exp(-5*mod(t,0.25))"
    held = "+".join(f"sin({TURN}({chord})*{r})/{n}" for n, r in ((2, 1), (3, 1.25), (3, 1.5), (2, 0.5)))
    return signal(f"0.12*({held}+{pluck}*(sin({TURN}2*({chord})*({step}))+0.4*sin({TURN}4*({chord})*({step}))))")


SOUNDS = {
    "dial tone": tones(350, 440),
    "ringing": tones(440, 480, on=2, every=6),
    "ringing, another country": tones(425, on=1, every=5),
    "busy": tones(480, 620, on=0.5, every=1),
    "reorder": tones(480, 620, on=0.25, every=0.5),
    "keys": keys(),
    "hold music": music(),
    "comfort noise": f"anoisesrc=color=pink:amplitude=0.004:seed=1:sample_rate={RATE}",
    "line noise": f"anoisesrc=color=white:amplitude=0.02:seed=2:sample_rate={RATE}",
    "breathing": f"anoisesrc=color=pink:amplitude=0.06:seed=3:sample_rate={RATE},tremolo=f=0.3:d=0.95",
    "silence": f"anullsrc=channel_layout=mono:sample_rate={RATE}",
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", type=Path, default=ROOT / "target/release/runaround")
    arguments.add_argument("--models", type=Path, default=Path(os.environ.get("RUNAROUND_MODELS", ROOT / "models")))
    arguments.add_argument("--model", default="base")
    arguments.add_argument("--minutes", type=float, default=60)
    arguments.add_argument("recordings", nargs="*", type=Path)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        call = Path(scratch) / "nobody.wav"
        make(call, options.minutes)
        heard = [analyze(options, path) for path in [call, *options.recordings]]
    sys.exit(1 if any(heard) else 0)


def make(call, minutes):
    seconds = minutes * 60 / len(SOUNDS)
    inputs = [part for sound in SOUNDS.values() for part in ("-f", "lavfi", "-t", f"{seconds}", "-i", sound)]
    parts = "".join(f"[{n}]aformat=sample_fmts=s16:channel_layouts=mono[p{n}];" for n in range(len(SOUNDS)))
    joined = "".join(f"[p{n}]" for n in range(len(SOUNDS))) + f"concat=n={len(SOUNDS)}:v=0:a=1"
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, "-filter_complex", parts + joined, call], check=True)


def analyze(options, call):
    """How many words and findings there are."""
    models = ["--models", str(options.models), "--model", options.model]
    command = [str(options.program), "analyze", "--json", "--quiet", "--jobs", "1", "--language", "en", *models, str(call)]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    report = json.loads(process.stdout.read())
    _, _, usage = os.wait4(process.pid, 0)
    turns, findings = report["turns"], report["findings"]
    for turn in turns:
        print(f"  {turn['start_ms'] / 1000:.1f} s: {turn['text']}")
    words = sum(len(turn["text"].split()) for turn in turns)
    cpu = usage.ru_utime + usage.ru_stime
    print(
        f"{call.name}: {report['source']['duration_ms'] / 60_000:.1f} min, {words} words, {len(findings)} findings; "
        f"{cpu:.1f} CPU s, {time.monotonic() - began:.0f} s, {usage.ru_maxrss / 1024:.0f} MB"
    )
    return words + len(findings)


if __name__ == "__main__":
    main()
