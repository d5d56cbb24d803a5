#!/bin/sh
# Sends the API what its description allows and forbids, and fails on an answer that is a server error or that the
# description does not tell of.
# Usage: scripts/schemathesis.sh [PROGRAM] [EXAMPLES-PER-OPERATION]
set -eu
program=$(realpath "${1:-target/debug/runaround}")
examples=${2:-25}
cd "$(dirname "$0")/.."
venv=${SCHEMATHESIS_VENV:-target/schemathesis}
[ -x "$venv/bin/schemathesis" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet 'schemathesis>=4,<5'; }
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server"; rm -rf "$work"' EXIT
"$program" seed --data "$work/data" --calls 60
"$program" serve --no-auth --listen 127.0.0.1:0 --disk-reserve 0 --data "$work/data" >"$work/out" 2>"$work/log" &
server=$!
for _ in $(seq 100); do grep -q listening "$work/out" && break; sleep 0.1; done
url=$(sed -n 's/.*\(http:[^ ]*\).*/\1/p' "$work/out" | head -1)
# Where a speech model is there, being ready is asked for too. Streams of events never end, so they are left out.
"$program" models verify >/dev/null 2>&1 && ready= || ready="--exclude-path /readyz"
export SCHEMATHESIS_HOOKS=scripts/schemathesis_hooks.py
RUNAROUND_CALLS=$(python3 -c 'import json, sys, urllib.request as web
print(*(call["id"] for call in json.load(web.urlopen(sys.argv[1] + "/v1/calls"))["calls"]), sep=",")' "$url")
export RUNAROUND_CALLS
# shellcheck disable=SC2086
"$venv/bin/schemathesis" run "$url/v1/openapi.json" --exclude-path /v1/events --exclude-path /v1/live/events $ready --header "Tus-Resumable: 1.0.0" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --max-examples "$examples" --generation-deterministic --request-timeout 30 --workers 2
