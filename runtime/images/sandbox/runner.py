"""Runs one piece of Python as a notebook does: its result is the value of its last expression.

Descriptor 3 holds the job, JSON of `code` and `environment`; descriptor 4 takes the answer, JSON of `result` or `error`.
"""

import ast
import asyncio
import base64
import builtins
import hashlib
import inspect
import io
import json
import linecache
import os
import pickle
import struct
import sys
import threading
import traceback
import types
import typing

# Imported once in the nursery for all runs: tools import these as a matter of course, and Letta's own lines around them
# (`letta_client` is the dearest, and in all of them).
_USUAL = 'collections dataclasses datetime decimal enum math random re uuid pydantic letta_client'
for _name in _USUAL.split():
    try:
        __import__(_name)
    # A package of the image's owner may fail in its own way; the tool that wants it is told then.
    except Exception:
        pass

NAME = '<tool>'
LONGEST_TRACEBACK = 32 * 1024
_exit, _write = os._exit, os.write


def main():
    with open(3, 'rb') as file:
        job = json.load(file)
    os.environ.clear()
    # What a tool prints is its own business: what cannot be encoded is shown, not an error.
    sys.stdin = open(0, encoding='utf-8', closefd=False)
    for name, descriptor in (('stdout', 1), ('stderr', 2)):
        stream = open(descriptor, 'w', encoding='utf-8', errors='backslashreplace', buffering=1, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f'__{name}__', stream)
    import random

    random.seed()
    try:
        answer = _answer(job)
        data = json.dumps(answer).encode()
    except BaseException as error:
        data = json.dumps({'error': describe(error)}).encode()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        pass
    while data:
        data = data[_write(4, data) :]
    # At once: threads of the tool's, and what it wants done at exit, are not waited for.
    _exit(0)


def _answer(job):
    try:
        os.environ.update(job['environment'])
        value = run(job['code'])
        return {} if value is None else {'result': value if type(value) is str else repr(value)}
    except BaseException as error:
        return {'error': describe(error)}


def run(code):
    """The value of the last expression of `code`; None without one.

    :raises BaseException: whatever the code raises; SyntaxError if it is none
    """
    module = types.ModuleType('__main__')
    module.__builtins__ = builtins
    sys.modules['__main__'] = module
    linecache.cache[NAME] = (len(code), None, code.splitlines(keepends=True), NAME)
    tree = compile(code, NAME, 'exec', ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    parts = [compile(tree, NAME, 'exec', flags, dont_inherit=True)]
    if last is not None:
        # What the code says of `from __future__` holds for its last line as well.
        flags |= parts[0].co_flags & _FUTURES
        parts.append(compile(ast.Expression(last.value), NAME, 'eval', flags, dont_inherit=True))
    names = module.__dict__
    # A loop runs only where the code awaits: elsewhere a tool may call asyncio.run().
    if any(part.co_flags & inspect.CO_COROUTINE for part in parts):
        return asyncio.run(_run_awaiting(parts, names))
    value = None
    for part in parts:
        value = eval(part, names)
    return value if last is not None else None


async def _run_awaiting(parts, names):
    value = None
    for part in parts:
        value = eval(part, names)
        if part.co_flags & inspect.CO_COROUTINE:
            value = await value
    return value if len(parts) == 2 else None


def _futures():
    import __future__

    flags = 0
    for name in __future__.all_feature_names:
        flags |= getattr(__future__, name).compiler_flag
    return flags


_FUTURES = _futures()


def describe(error):
    """What an agent is told of an exception: never more than it can read, whatever the tool made of its exception."""
    try:
        value = str(error)
    except BaseException:
        value = '(its message cannot be made a string)'
    try:
        trace = ''.join(traceback.format_exception(type(error), error, _own_frames(error.__traceback__)))
    except BaseException:
        trace = f'{type(error).__name__}: {value}'
    return {
        'name': type(error).__name__[:256],
        'value': value[:LONGEST_TRACEBACK],
        'traceback': trace if len(trace) <= LONGEST_TRACEBACK else f'…{trace[-LONGEST_TRACEBACK:]}',
    }


def _own_frames(trace):
    """Without the frames of this file, which mean nothing to who wrote the tool."""
    first = trace
    while first is not None and first.tb_frame.f_code.co_filename != NAME:
        first = first.tb_next
    return first
