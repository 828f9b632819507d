"""Lambda's handler: runs callers' tools, each in a fresh process that can reach nothing. See `SandboxRequest` in contract.ts."""

import os
import sys
import tempfile

import confinement
import packages
from workers import Unclean, Workers

# Before anything else runs: the environment of this process holds the credentials of the function's role.
confinement.protect_own_memory()

HERE = os.path.dirname(os.path.abspath(__file__))
MEBIBYTE = 1024 * 1024
# Of the function's memory, for this process, the one that runs are forked from, and Lambda's own.
RESERVED_BYTES = 160 * MEBIBYTE
LEAST_BYTES = 64 * MEBIBYTE
# What is left of Lambda's time to end a run, wipe, and answer.
MARGIN_SECONDS = 2
# Of the partitions in which there is Lambda: the task's is not told.
URL_SUFFIXES = ('amazonaws.com', 'amazonaws.com.cn')


def _folders():
    """Folders to wipe must be named: away from Lambda this program may run beside others' files."""
    named = [folder for folder in os.environ.get('SANDBOX_WRITABLE', '').split(':') if folder]
    return named or [tempfile.mkdtemp(prefix='sandbox-')]


def _memory_bytes():
    size = int(os.environ.get('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '1024')) * MEBIBYTE
    return max(size - RESERVED_BYTES, LEAST_BYTES)


def _node():
    megabytes = _memory_bytes() * 3 // 4 // MEBIBYTE
    program = os.environ.get('SANDBOX_NODE', '/usr/local/bin/node')
    options = ['--disable-warning=ExperimentalWarning', f'--max-old-space-size={megabytes}', '--single-threaded-gc']
    return [program, *options, os.path.join(HERE, 'dist', 'runner.js')]


_workers = Workers(_folders(), _memory_bytes(), _node())
_workers.start()


def handle(event, context):
    if event['kind'] == 'packages':
        return {'missing': packages.missing(event['manager'], event['requirements'])}
    try:
        return _run(event, context)
    except Unclean as error:
        # Lambda then ends all processes, and starts again with none of them.
        sys.stderr.write(f'the environment ends: {error}\n')
        sys.stderr.flush()
        os._exit(1)


def _run(event, context):
    _workers.clean()
    seconds = event['timeoutMs'] / 1000
    if context is not None:
        seconds = min(seconds, context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS)
    credentials = _credentials()
    environment = {**credentials, **_proxy(event.get('proxy'), credentials), **event['environment']}
    # Who has credentials calls AWS by name; the gateway's proxy has an address.
    network = 'all' if credentials else 'tcp' if event.get('proxy') else 'none'
    return _workers.run(event['language'], event['code'], environment, max(seconds, 0.1), network)


def _credentials():
    if os.environ.get('SANDBOX_PASS_CREDENTIALS') != 'true':
        return {}
    names = ('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION', 'AWS_DEFAULT_REGION')
    return {name: os.environ[name] for name in names if name in os.environ}


def _proxy(url, credentials):
    if not url:
        return {}
    names = ('HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy', 'ALL_PROXY', 'all_proxy')
    environment = {name: url for name in names}
    if credentials:
        # Lambda's endpoint stands in the VPC, where the proxy does not lead.
        past = ','.join(f'lambda.{os.environ["AWS_REGION"]}.{suffix}' for suffix in URL_SUFFIXES)
        environment.update({'NO_PROXY': past, 'no_proxy': past})
    return environment
