"""What a run comes to, made of what its process said and how it ended. See `SandboxRunAnswer` of contract.ts."""

import json
import re
import signal
from json.decoder import scanstring

# SandboxMaximum of contract.ts.
RESULT_BYTES = 2 * 1024 * 1024
OUTPUT_BYTES = 256 * 1024
# Of all answers as JSON: Lambda takes 6 MB, and a control character is six bytes there.
RESULT_JSON_BYTES = 5 * 1024 * 1024 // 2
OUTPUT_JSON_BYTES = 3 * 1024 * 1024 // 2
ERROR_PART_JSON_BYTES = 192 * 1024
# As told by the runners, which cut its three parts; the tool may write there itself.
TOLD_ERROR_BYTES = 1024 * 1024


def answer(status, why, told, outputs, seconds):
    """
    :param status: Exit code of the run's process, negative for a signal
    :param why: `timeout`, `memory` or `size` if the run was ended for it
    :param told: Bytes that the process told as its end
    :param outputs: stdout and stderr, each as bytes and whether there was more
    """
    stdout, stderr = (_text(*output) for output in outputs)
    base = {'stdout': stdout, 'stderr': stderr}
    if why == 'timeout':
        return _failed(base, why, 'TimeoutError', f'the tool took longer than {seconds:g} s and was ended')
    if why == 'memory':
        return _failed(base, why, 'MemoryError', 'the tool used more memory than its sandbox has and was ended')
    if why == 'size':
        return _failed(base, why, 'ValueError', _too_large())
    try:
        end = _read(told)
        if 'error' in end:
            return _raised(base, end['error'])
        if status == 0:
            return _came_to_its_end(base, end)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        # The tool can write there what it wants: it has not ended as a run does.
        pass
    if status == -signal.SIGKILL or 'heap out of memory' in stderr:
        return _failed(base, 'memory', 'MemoryError', 'the tool was killed: it ran out of memory, or killed itself')
    if status == -signal.SIGXCPU:
        return _failed(base, 'timeout', 'TimeoutError', 'the tool used up its processor time and was ended')
    how = f'signal {_signal_name(-status)}' if status < 0 else f'exit code {status}'
    return _failed(base, 'died', 'ProcessDied', f"the tool's process ended before its end, with {how}")


def _read(told):
    """A result is read as the one string that it is: as JSON of any shape, 4 MB of brackets become 100 MB of objects."""
    text = told.decode()
    start = re.match(r'\{"result": ?"', text)
    if not start:
        if len(text) > TOLD_ERROR_BYTES:
            raise ValueError('too long for an error')
        return json.loads(text)
    result, end = scanstring(text, start.end())
    if text[end:] != '}':
        raise ValueError('more than a result')
    return {'result': result}


def _raised(base, told):
    name, value, trace = (_clean(told[part]) for part in ('name', 'value', 'traceback'))
    error = {
        'name': name[:256],
        'value': _cut(value, ERROR_PART_JSON_BYTES),
        # Its end says most.
        'traceback': _cut(trace[::-1], ERROR_PART_JSON_BYTES)[::-1],
    }
    return {**base, 'outcome': 'memory' if name == 'MemoryError' else 'error', 'error': error}


def _came_to_its_end(base, told):
    if 'result' not in told:
        return {**base, 'outcome': 'result'}
    result = _clean(told['result'])
    if len(result.encode()) > RESULT_BYTES or _json_bytes(result) > RESULT_JSON_BYTES:
        return _failed(base, 'size', 'ValueError', _too_large())
    return {**base, 'outcome': 'result', 'result': result}


def _too_large():
    return f"the tool's result is larger than {RESULT_BYTES} bytes: let it answer less"


def _failed(base, outcome, name, value):
    return {**base, 'outcome': outcome, 'error': {'name': name, 'value': value, 'traceback': f'{name}: {value}'}}


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        # Most of the real-time signals have none.
        return str(number)


def _text(data, has_more):
    text = data.decode('utf-8', 'replace')
    kept = _cut(text, OUTPUT_JSON_BYTES)
    return kept + '\n… (cut: the sandbox keeps no more of it)' if has_more or len(kept) < len(text) else kept


def _cut(text, most_json_bytes):
    while _json_bytes(text) > most_json_bytes:
        text = text[: len(text) // 2]
    return text


def _clean(text):
    if not isinstance(text, str):
        raise TypeError(f'got {type(text).__name__}, wanted a string')
    return text.encode('utf-8', 'replace').decode()


def _json_bytes(text):
    return len(json.dumps(text))
