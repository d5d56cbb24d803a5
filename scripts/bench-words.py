#!/usr/bin/env python3
"""How far the start of a word in a report lies from where the word begins in the sound.

usage: scripts/bench-words.py [--calls DIR] [--program PATH] [--model NAME] [--venv DIR] [CALL...]

What is said when is read from NAME.words.json beside NAME.wav, a list of {"channel" or "speaker", "word", "start", "end"}
in seconds, else from NAME.json in the form of fixtures/calls, which knows the turns only. Neither is taken at its word:
times inside a turn are often dealt out evenly by whoever made the list, and its turns may have silence at both ends. So each
turn is aligned with the sound anew, by an acoustic model that has nothing to do with ours (PocketSphinx, in a virtual
environment of its own that is thrown away unless --venv names one to keep). The times as given are reported beside it.

Words heard are matched to words said, per channel, by edit distance over plain words; only equal words count. Early is
negative. A first word is one that nothing was said before for 0.3 s: there the sound itself says where it begins.
"""

import argparse
import array
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALIGNER = "pocketsphinx==5.1.1"
RECORDINGS = {".wav", ".flac", ".mp3", ".ogg", ".m4a"}
RATE = 16_000

# Sound that is searched before and after a turn as given.
MARGIN_S = 0.25
# Words of one speaker belong to one stretch up to this gap.
JOIN_S = 0.15
# A word after this much silence is a first word.
FIRST_S = 0.3
# A heard word this far from the one it equals is another word.
FAR_S = 5.0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--calls", type=Path, default=ROOT / "fixtures/calls")
    arguments.add_argument("--program", type=Path, default=ROOT / "target/release/runaround")
    arguments.add_argument("--model", default="base")
    arguments.add_argument("--venv", type=Path, help="keep the virtual environment here and use it again")
    arguments.add_argument("call", nargs="*", type=Path, help="only these")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench(options, Path(scratch))


def bench(options, scratch):
    calls = options.call or sorted(path for path in options.calls.iterdir() if path.suffix in RECORDINGS)
    python = prepare(options.venv or scratch / "venv")
    print("start error in ms: median, 90th percentile, bias (median with its sign)\n")
    print(f"{'call':24} {'said':>5} {'matched':>7} | {'aligned anew':^20} | {'first words':^20} | {'as given':^20}")
    pooled = {"aligned": [], "first": [], "given": []}
    said = matched = 0
    for call in calls:
        turns = truth(call)
        if not turns:
            print(f"{call.stem:24} nobody wrote down what is said in it", file=sys.stderr)
            continue
        words = align(python, call, turns, scratch)
        errors = compare(words, heard(options, call))
        total = sum(len(words) for words in words.values())
        line(call.stem, total, len(errors["aligned"]), errors)
        for name, found in errors.items():
            pooled[name] += found
        said, matched = said + total, matched + len(errors["aligned"])
    line("all", said, matched, pooled)


def line(name, said, matched, errors):
    cells = " | ".join(f"{cell(errors[kind]):>20}" for kind in ("aligned", "first", "given"))
    print(f"{name:24} {said:5} {matched:7} | {cells}", flush=True)


def cell(errors):
    if not errors:
        return "-"
    size = sorted(abs(error) for error in errors)
    bias = sorted(errors)[len(errors) // 2]
    return f"{1000 * size[len(size) // 2]:.0f} {1000 * size[len(size) * 9 // 10]:.0f} {1000 * bias:+.0f}"


def truth(call):
    """Channel -> turns, each a list of (word, start as given or None), with the span of the turn."""
    given = call.with_suffix(".words.json")
    if given.exists():
        words = json.loads(given.read_text())
        names = sorted({word.get("channel", word.get("speaker")) for word in words})
        turns = {channel: [] for channel in range(len(names))}
        for word in words:
            mine = turns[names.index(word.get("channel", word.get("speaker")))]
            if mine and word["start"] - mine[-1]["end"] < JOIN_S:
                mine[-1]["end"] = max(mine[-1]["end"], word["end"])
            else:
                mine.append({"start": word["start"], "end": word["end"], "words": []})
            mine[-1]["words"] += [(part, word["start"] if n == 0 else None) for n, part in enumerate(plain(word["word"]))]
        return turns
    labels = call.with_suffix(".json")
    if not labels.exists():
        return {}
    turns = {}
    for turn in json.loads(labels.read_text())["turns"]:
        words = [(part, None) for part in plain(turn["text"])]
        turns.setdefault(turn.get("channel", 0), []).append({"start": turn["start_ms"] / 1000, "end": turn["end_ms"] / 1000, "words": words})
    return turns


def plain(text):
    """Figures are read out one by one, so a year or a price matches no word that is heard."""
    figures = "zero one two three four five six seven eight nine".split()
    text = re.sub(r"\d", lambda figure: f" {figures[int(figure[0])]} ", text.lower().replace("’", "'"))
    return [word for word in (part.strip("'") for part in re.split(r"[^a-z']+", text)) if word]


def align(python, call, turns, scratch):
    """Channel -> words as {"word", "at", "first", "given"}, in order; words that could not be aligned are left out."""
    found = {}
    for channel, mine in turns.items():
        raw = scratch / "channel.raw"
        pan = f"pan=mono|c0=c{channel}"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", call, "-af", pan, "-ar", str(RATE), "-f", "s16le", raw], check=True)
        tasks = [{"from": max(0, turn["start"] - MARGIN_S), "to": turn["end"] + MARGIN_S, "words": [word for word, _ in turn["words"]]} for turn in mine]
        answer = subprocess.run([python, __file__, "--align", raw], input=json.dumps(tasks), capture_output=True, text=True, check=True)
        words, before = [], -1.0
        for turn, spans in zip(mine, json.loads(answer.stdout)):
            for (word, given), span in zip(turn["words"], spans or []):
                words.append({"word": word, "at": span[0], "first": span[0] - before >= FIRST_S, "given": given})
                before = span[1]
        found[channel] = sorted(words, key=lambda word: word["at"])
    return found


def heard(options, call):
    """Channel -> (plain word, start in seconds), in order."""
    command = [options.program, "analyze", call, "--json", "--quiet", "--language", "en", "--model", options.model]
    report = json.loads(subprocess.run(command, check=False, stdout=subprocess.PIPE).stdout)
    words = {}
    for turn in report["turns"]:
        mine = words.setdefault(turn["channel"], [])
        # The parts of "thirty-five" have no start of their own.
        mine += [(part, word["start_ms"] / 1000 if n == 0 else None) for word in turn["words"] for n, part in enumerate(plain(word["text"]))]
    return words


def compare(said, heard):
    errors = {"aligned": [], "first": [], "given": []}
    for channel, words in said.items():
        for word, start in match(words, heard.get(channel, [])):
            if start is None or abs(start - word["at"]) > FAR_S:
                continue
            errors["aligned"].append(start - word["at"])
            if word["first"]:
                errors["first"].append(start - word["at"])
            if word["given"] is not None:
                errors["given"].append(start - word["given"])
    return errors


def match(said, heard):
    """Pairs of a said word and the start of the same word as heard, along the cheapest way through both lists."""
    n, m = len(said), len(heard)
    best = [list(range(m + 1))] + [[i] + [0] * m for i in range(1, n + 1)]
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            differs = 0 if said[i - 1]["word"] == heard[j - 1][0] else 1.2
            best[i][j] = min(best[i - 1][j - 1] + differs, best[i - 1][j] + 1, best[i][j - 1] + 1)
    pairs = []
    i, j = n, m
    while i > 0 and j > 0:
        differs = 0 if said[i - 1]["word"] == heard[j - 1][0] else 1.2
        if best[i][j] == best[i - 1][j - 1] + differs:
            i, j = i - 1, j - 1
            if differs == 0:
                pairs.append((said[i], heard[j][1]))
        elif best[i][j] == best[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def prepare(home):
    """A Python with the aligner in it."""
    python = home / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", ALIGNER], check=True)
    return str(python)


def work(raw):
    """Runs inside the environment: for each turn on stdin the spans of its words in the recording, or null."""
    from pocketsphinx import Decoder

    decoder = Decoder(lm=None, loglevel="FATAL", dither=True, seed=1)
    samples = array.array("h", Path(raw).read_bytes())
    answers = []
    for turn in json.load(sys.stdin):
        part = samples[int(turn["from"] * RATE) : int(turn["to"] * RATE)]
        loudest = max((abs(x) for x in part), default=1) or 1
        part = array.array("h", (x * 8_000 // loudest for x in part))
        answers.append(aligned(decoder, part, turn["words"], turn["from"]))
    print(json.dumps(answers))


def aligned(decoder, samples, words, start):
    names = [name_of(decoder, word) for word in words]
    try:
        decoder.set_align_text(" ".join(names))
        decoder.start_utt()
        decoder.process_raw(samples.tobytes(), full_utt=True)
        decoder.end_utt()
        found = [(re.sub(r"\(\d+\)$", "", part.word), part.start_frame, part.end_frame + 1) for part in decoder.seg()]
    except (RuntimeError, TypeError):
        return None
    found = [part for part in found if part[0][0] not in "<[("]
    if [part[0] for part in found] != names:
        return None
    return [[start + part[1] / 100, start + part[2] / 100] for part in found]


# How letters sound, roughly, for names that no dictionary has.
LETTERS = dict(zip("abcdefghijklmnopqrstuvwxyz", "AH B K D EH F G HH IH JH K L M N OW P K R S T UH V W S IY Z".split()))


def name_of(decoder, word):
    """The word under which the dictionary knows it; one that it does not know is added, letter by letter."""
    for name in (word, word.replace("'", "")):
        if decoder.lookup_word(name) is not None:
            return name
    name = f"unknown{word.replace(chr(39), '')}"
    if decoder.lookup_word(name) is None:
        decoder.add_word(name, " ".join(LETTERS[letter] for letter in word if letter != "'"), True)
    return name


if __name__ == "__main__":
    if sys.argv[1:2] == ["--align"]:
        work(sys.argv[2])
    else:
        main()
