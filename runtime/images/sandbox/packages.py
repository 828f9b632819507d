"""Whether packages are there. Nothing is ever installed by a run: what is there was built into the image."""

import json
import os
import re
from importlib import metadata

LONGEST = 1000
NODE_MODULES = os.environ.get('SANDBOX_NODE_MODULES', '/opt/sandbox/node_modules')


def missing(manager, requirements):
    """
    :returns: the requirements that are not fulfilled, each with what is there instead
    """
    check = {'pip': _python_reason, 'npm': _node_reason}[manager]
    found = ((requirement, _reason(check, requirement)) for requirement in requirements)
    return [{'requirement': requirement, 'reason': reason} for requirement, reason in found if reason]


def _reason(check, requirement):
    if len(requirement) > LONGEST:
        return f'it cannot be read: it has {len(requirement)} characters, wanted {LONGEST} at most'
    try:
        return check(requirement)
    except Exception as error:
        # Markers and versions of a shape that only comparing them shows.
        return f'it cannot be read: {error}'


def _python_reason(text):
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        return f'it cannot be read: {error}'
    if requirement.url:
        return 'it is an address, and the sandbox reaches none'
    if requirement.marker and not requirement.marker.evaluate():
        return None
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return 'it is not in the sandbox'
    if not requirement.specifier.contains(version, prereleases=True):
        return f'the sandbox has {version}'
    return None


def _node_reason(text):
    match = re.fullmatch(r'((?:@[a-z0-9~_.-]+/)?[a-z0-9~_.-]+)(?:@([^@]*))?', text, re.IGNORECASE)
    if not match or '..' in text:
        return 'it cannot be read, wanted <name> or <name>@<version>'
    name, wanted = match[1], match[2] or '*'
    try:
        with open(os.path.join(NODE_MODULES, name, 'package.json'), encoding='utf-8') as file:
            version = json.load(file)['version']
    except (OSError, ValueError, KeyError):
        return 'it is not in the sandbox'
    return None if _fulfils(version, wanted) else f'the sandbox has {version}'


def _fulfils(version, wanted):
    if wanted in ('', '*', 'latest', 'x'):
        return True
    match = re.fullmatch(r'([\^~]?)v?(\d+)(?:\.(\d+))?(?:\.(\d+)(-[0-9A-Za-z.-]+)?)?', wanted)
    if not match:
        return False
    if match[5]:
        return version == wanted.lstrip('^~v')
    parts = [int(part) for part in match.groups()[1:4] if part is not None]
    have = [int(part) for part in re.split(r'[-+]', version)[0].split('.')]
    if not match[1]:
        return have[: len(parts)] == parts
    # ^ keeps the first number that is not zero, ~ the minor version.
    kept = next((at for at, part in enumerate(parts) if part), len(parts) - 1) if match[1] == '^' else min(1, len(parts) - 1)
    return have[: kept + 1] == parts[: kept + 1] and have >= parts
