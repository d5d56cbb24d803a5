#!/usr/bin/env bash
# Lets libFuzzer loose on every protocol of live calls, so many seconds each (60 if nothing is said), and fails if one of
# them panics, hangs or needs more than 256 MiB. Needs no nightly compiler and no cargo-fuzz: the compiler's own coverage
# is switched on by hand, and libfuzzer-sys brings the rest. What was found is kept in fuzz/corpus, what fails in
# fuzz/artifacts; fuzz/README.md says how to see it again.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(twilio pcm asterisk audiosocket)

# The same versions of everything as the program itself.
[ -e fuzz/Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock

host=$(rustc -vV | sed -n 's/^host: //p')
coverage="--cfg fuzzing -Cdebug-assertions -Coverflow-checks -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
coverage+=" -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
RUSTFLAGS="$coverage" cargo build --manifest-path fuzz/Cargo.toml --release --target "$host" --bins

for target in "${targets[@]}"; do
  corpus=fuzz/corpus/$target
  mkdir -p "$corpus" fuzz/artifacts
  echo "== $target, $seconds s"
  "fuzz/target/$host/release/$target" "$corpus" fixtures/protocol \
    -max_total_time="$seconds" -max_len=131072 -rss_limit_mb=256 -timeout=5 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="fuzz/artifacts/$target-"
done
