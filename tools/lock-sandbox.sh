#!/bin/sh
# Writes the hash-locked requirements of the sandbox's image; what Letta has too gets Letta's version.
# Needs Python 3.11 and uv. Usage: tools/lock-sandbox.sh
set -eu
images=$(cd "$(dirname "$0")/../runtime/images" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
grep -oE '^[a-zA-Z0-9_.-]+==[^ ;\\]+' "$images/letta/requirements.txt" > "$work/constraints.txt"
cd "$work"
UV_PYTHON=python3.11 uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
  --only-binary :all: --python-version 3.11 --constraints constraints.txt \
  --output-file "$images/sandbox/requirements.txt" "$images/sandbox/requirements.in" > "$work/compile"
! grep -nE '://|--(index|extra-index|find-links)' "$images/sandbox/requirements.txt"
