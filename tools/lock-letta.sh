#!/bin/sh
# Writes the hash-locked requirements of the Letta image from the uv.lock of Letta's source distribution.
# Needs Python 3.11 with pip, and uv. Usage: tools/lock-letta.sh
set -eu
version=$(sed -n "s/^export const LETTA_VERSION = '\(.*\)';/\1/p" "$(dirname "$0")/../runtime/contract.ts")
images=$(cd "$(dirname "$0")/../runtime/images/letta" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3.11 -m pip download --quiet --no-deps --no-binary letta "letta==$version" -d .
python3.11 -m pip download --quiet --no-deps --only-binary letta "letta==$version" -d .
tar xzf "letta-$version.tar.gz"

# psycopg2 comes as source only and would need a compiler; psycopg2-binary, locked too, is the same module.
(
  cd "letta-$version" && rm -f .python-version
  UV_PYTHON=python3.11 uv export --quiet --frozen --no-emit-project --no-dev --no-header --no-annotate \
    --extra postgres --extra redis --extra server --extra bedrock --extra experimental --extra cloud-tool-sandbox \
    --no-emit-package psycopg2 --no-emit-index-url --output-file "$images/requirements.txt" > "$work/export"
)

# Both archives of Letta itself: the wheel to install, the source for its migrations.
{
  printf 'letta==%s' "$version"
  for archive in letta-"$version"*.whl letta-"$version".tar.gz; do
    printf ' \\\n    --hash=sha256:%s' "$(sha256sum "$archive" | cut -d ' ' -f 1)"
  done
  echo
} > "$images/letta.txt"

# What the image is built with: uv installs, pip downloads Letta's source and hatchling tells it its metadata, setuptools
# builds demjson3, the one locked package without a wheel. Nothing unlocked runs in the build.
printf 'hatchling==1.27.0\npip==25.3\nsetuptools==80.9.0\nuv==0.13.9\n' > build.in
UV_PYTHON=python3.11 uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 \
  --output-file "$images/build.txt" build.in > "$work/compile"

! grep -nE '://|--(index|extra-index|find-links)' "$images"/*.txt
