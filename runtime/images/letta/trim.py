"""Cuts botocore's data to what Letta calls, removes what fetches pages past the proxy, calms Python's collector.

Every model call opens a new botocore session, which lists the service folders and parses endpoints.json and STS's own
model: with all 400 services that is a good part of a turn's CPU, and with all of STS's model still 1.5 ms. Usage:
trim.py SITE_PACKAGES
"""

import gzip
import json
import shutil
import sys
from pathlib import Path

# The anthropic SDK loads the shape of streamed events from bedrock-runtime's model.
SERVICES = {'bedrock', 'bedrock-runtime', 'sts'}
FILES = {'_retry.json', 'endpoints.json', 'partitions.json', 'sdk-default-configuration.json'}
# The one operation of STS that Letta calls, before each model call.
STS_OPERATION = 'GetSessionToken'
# Python looks for garbage after every 700 new objects, and every so often at all 700,000 of this server: up to 0.5 s in
# which nothing else runs, 13 times while it starts. There is no variable for it; lines of a .pth file run at each start.
COLLECTOR = 'import gc; gc.set_threshold(10000, 10, 10)\n'
# Letta's tool `fetch_webpage` uses it, and it heeds no proxy variable: a way to Letta's own port, behind the gateway.
UNWANTED_PACKAGE = 'trafilatura'


def replace(file: Path, content: object) -> None:
    # A new file put in its place: an installer may have linked this one to its cache.
    trimmed = file.with_suffix('.trimmed')
    trimmed.write_text(json.dumps(content, separators=(',', ':')))
    trimmed.replace(file)


def trim_endpoints(file: Path) -> None:
    endpoints = json.loads(file.read_text())
    for partition in endpoints['partitions']:
        partition['services'] = {name: s for name, s in partition['services'].items() if name in SERVICES}
    replace(file, endpoints)


def shapes_within(shape: dict) -> list[str]:
    parts = [*shape.get('members', {}).values(), *(shape[name] for name in ('member', 'key', 'value') if name in shape)]
    return [part['shape'] for part in parts]


def trim_sts(packed: Path) -> None:
    """Keeps one operation and what it is made of, without documentation, as a file that needs no unpacking."""
    model = json.loads(gzip.decompress(packed.read_bytes()))
    operation = model['operations'][STS_OPERATION]
    kept, left = {}, [operation[part]['shape'] for part in ('input', 'output')]
    left += [error['shape'] for error in operation.get('errors', [])]
    while left:
        name = left.pop()
        if name not in kept:
            kept[name] = model['shapes'][name]
            left += shapes_within(kept[name])
    model |= {'operations': {STS_OPERATION: operation}, 'shapes': kept}
    replace(packed.with_suffix(''), without_documentation(model))
    packed.unlink()


def without_documentation(value: object) -> object:
    if isinstance(value, list):
        return [without_documentation(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: without_documentation(item)
        for name, item in value.items()
        if not (name == 'documentation' and isinstance(item, str))
    }


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
    models = list((data / 'sts').glob('*/service-2.json.gz'))
    if len(models) != 1:
        sys.exit(f'trim.py: {data} has {len(models)} models of sts, wanted one service-2.json.gz')
    trim_sts(models[0])
    if not (site_packages / UNWANTED_PACKAGE).is_dir():
        sys.exit(f'trim.py: {site_packages} lacks {UNWANTED_PACKAGE}; wanted it there, to remove it')
    shutil.rmtree(site_packages / UNWANTED_PACKAGE)
    (site_packages / 'collector.pth').write_text(COLLECTOR)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit('usage: trim.py SITE_PACKAGES')
    main(Path(sys.argv[1]))
