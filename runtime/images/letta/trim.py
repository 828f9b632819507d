"""Cuts botocore's data to the services that Letta calls, and removes what fetches pages past the proxy.

Every model call opens a new botocore session, which lists the service folders and parses endpoints.json: with all 400
of them that is a good part of a turn's CPU. Usage: trim.py SITE_PACKAGES
"""

import json
import shutil
import sys
from pathlib import Path

# The anthropic SDK loads the shape of streamed events from bedrock-runtime's model.
SERVICES = {'bedrock', 'bedrock-runtime', 'sts'}
FILES = {'_retry.json', 'endpoints.json', 'partitions.json', 'sdk-default-configuration.json'}
# Letta's tool `fetch_webpage` uses it, and it heeds no proxy variable: a way to Letta's own port, behind the gateway.
UNWANTED_PACKAGE = 'trafilatura'


def trim_endpoints(file: Path) -> None:
    endpoints = json.loads(file.read_text())
    for partition in endpoints['partitions']:
        partition['services'] = {name: s for name, s in partition['services'].items() if name in SERVICES}
    # A new file put in its place: an installer may have linked this one to its cache.
    trimmed = file.with_suffix('.trimmed')
    trimmed.write_text(json.dumps(endpoints, separators=(',', ':')))
    trimmed.replace(file)


def main(site_packages: Path) -> None:
    data = site_packages / 'botocore' / 'data'
    missing = sorted(name for name in SERVICES | FILES if not (data / name).exists())
    if missing:
        sys.exit(f'trim.py: {data} lacks {", ".join(missing)}; wanted the data folder of botocore')
    for entry in data.iterdir():
        if entry.is_dir() and entry.name not in SERVICES:
            shutil.rmtree(entry)
        elif entry.is_file() and entry.name not in FILES:
            entry.unlink()
    trim_endpoints(data / 'endpoints.json')
    if not (site_packages / UNWANTED_PACKAGE).is_dir():
        sys.exit(f'trim.py: {site_packages} lacks {UNWANTED_PACKAGE}; wanted it there, to remove it')
    shutil.rmtree(site_packages / UNWANTED_PACKAGE)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit('usage: trim.py SITE_PACKAGES')
    main(Path(sys.argv[1]))
