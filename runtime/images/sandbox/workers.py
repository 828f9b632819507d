"""Runs in processes of their own: pipes, limits and time, and that nothing of a run is left when it has ended."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

import confinement
from nursery import descendants
from wipe import wipe

# SandboxMaximum of contract.ts.
RESULT_BYTES = 2 * 1024 * 1024
OUTPUT_BYTES = 256 * 1024
# Of all answers as JSON: Lambda takes 6 MB, and a control character is six bytes there.
RESULT_JSON_BYTES = 5 * 1024 * 1024 // 2
OUTPUT_JSON_BYTES = 3 * 1024 * 1024 // 2

WATCH_SECONDS = 0.05
READY_SECONDS = 20
# After a kill all is over at once, but for a machine under load.
END_SECONDS = 10


class Unclean(Exception):
    """Something of a run is left that cannot be removed: nothing may run in this environment any more."""


class Workers:
    """
    :param folders: What runs may write to, wiped after each; the first one is their home
    :param memory_bytes: What all processes of a run may use together
    :param node: Command of the JavaScript runner
    """

    def __init__(self, folders, memory_bytes, node):
        self._folders, self._memory_bytes, self._node = folders, memory_bytes, node
        self._nursery = None

    def start(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # The nursery inherits nothing but its own end: no environment, no descriptor.
        os.set_inheritable(theirs.fileno(), True)

        def take_three():
            os.dup2(theirs.fileno(), 3)

        environment = {'PATH': os.environ.get('PATH', '/usr/local/bin:/usr/bin:/bin'), 'LANG': 'C.UTF-8'}
        paths = [path for path in sys.path if path and os.path.isdir(path)]
        start = 'import sys; sys.path[:] = %r; import nursery; nursery.main()' % (paths,)
        self._nursery = subprocess.Popen(
            [sys.executable, '-I', '-S', '-B', '-X', 'utf8', '-c', start],
            stdin=subprocess.DEVNULL, env=environment, close_fds=True, pass_fds=(3,), preexec_fn=take_three,
        )  # fmt: skip
        theirs.close()
        ours.settimeout(READY_SECONDS)
        if ours.recv(64) != b'ready':
            raise Unclean('the process that runs are forked from did not start')
        self._control = ours

    def run(self, language, code, environment, seconds, network):
        """
        :returns: outcome, result or error, stdout and stderr, as `SandboxRunAnswer` of contract.ts
        :raises Unclean: if something of the run is left
        """
        began = time.monotonic()
        if self._nursery is None or self._nursery.poll() is not None:
            self.start()
        pipes = [os.pipe() for _ in range(3)]
        job = _job({'code': code, 'environment': {**self._usual_environment(), **environment}})
        order = {
            'language': language,
            'home': self._folders[0],
            'network': network,
            'memoryBytes': self._memory_bytes,
            'seconds': int(seconds) + 2,
            'protectedUpTo': max(os.getpid(), self._nursery.pid, *_threads(os.getpid()), *_threads(self._nursery.pid)),
            'node': [*self._node, language],
        }
        socket.send_fds(self._control, [json.dumps(order).encode()], [job, *(write for _, write in pipes)])
        for descriptor in (job, *(write for _, write in pipes)):
            os.close(descriptor)
        sinks = [
            _Sink(pipe[0], most) for pipe, most in zip(pipes, (OUTPUT_BYTES, OUTPUT_BYTES, RESULT_BYTES * 2 + 65536))
        ]
        end, why = self._watch(sinks, began + seconds)
        for sink in sinks:
            sink.drain()
        self._wipe()
        if not end['clean']:
            raise Unclean('processes of a run cannot be killed')
        answer = _answer(end, why, sinks, seconds)
        answer['durationMs'] = round((time.monotonic() - began) * 1000)
        return answer

    def _usual_environment(self):
        home = self._folders[0]
        return {
            'PATH': '/usr/local/bin:/usr/bin:/bin',
            'HOME': home,
            'TMPDIR': home,
            'LANG': 'C.UTF-8',
            'LC_ALL': 'C.UTF-8',
            'PYTHONDONTWRITEBYTECODE': '1',
        }

    def _watch(self, sinks, deadline):
        """Until the nursery says that all is over: what it said, and why we ended the run if we did."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        by_descriptor = {sink.descriptor: sink for sink in sinks}
        for descriptor in by_descriptor:
            poll.register(descriptor, select.POLLIN)
        why = None
        while True:
            for descriptor, _ in poll.poll(WATCH_SECONDS * 1000):
                if descriptor == self._control.fileno():
                    message = self._control.recv(4096)
                    if not message:
                        raise Unclean('the process that runs are forked from is gone')
                    return json.loads(message), why
                if not by_descriptor[descriptor].read():
                    poll.unregister(descriptor)
            now = time.monotonic()
            if why is None:
                if now > deadline:
                    why = 'timeout'
                elif sinks[2].over:
                    why = 'size'
                elif self._uses_too_much():
                    why = 'memory'
                if why is not None:
                    self._control.send(b'kill')
            elif now > deadline + END_SECONDS:
                raise Unclean('a run cannot be ended')

    def _uses_too_much(self):
        processes = descendants(self._nursery.pid)
        return _memory(processes, _resident) > self._memory_bytes and _memory(processes, _share) > self._memory_bytes

    def _wipe(self):
        for folder in self._folders:
            if not wipe(folder):
                raise Unclean(f'{folder} cannot be emptied')


class _Sink:
    """Reads a pipe to its end and keeps no more than the first bytes."""

    def __init__(self, descriptor, most):
        os.set_blocking(descriptor, False)
        self.descriptor, self._most, self._kept, self.over = descriptor, most, bytearray(), False

    def read(self):
        try:
            data = os.read(self.descriptor, 65536)
        except BlockingIOError:
            return True
        room = self._most - len(self._kept)
        self._kept += data[:room]
        self.over = self.over or len(data) > room
        return bool(data)

    def drain(self):
        # All writers are dead: what is in the pipe ends.
        while self.read():
            pass
        os.close(self.descriptor)

    def bytes(self):
        return bytes(self._kept)


def _answer(end, why, sinks, seconds):
    stdout, stderr = (_text(sink) for sink in sinks[:2])
    answer = {'stdout': stdout, 'stderr': stderr}
    if why == 'timeout':
        return _failed(answer, why, 'TimeoutError', f'the tool took longer than {seconds:g} s and was ended')
    if why == 'memory':
        return _failed(answer, why, 'MemoryError', 'the tool used more memory than its sandbox has and was ended')
    if why == 'size':
        return _failed(answer, why, 'ValueError', _too_large())
    try:
        told = json.loads(sinks[2].bytes())
        if 'error' in told:
            error = {part: _clean(told['error'][part]) for part in ('name', 'value', 'traceback')}
            memory = error['name'] == 'MemoryError'
            return {**answer, 'outcome': 'memory' if memory else 'error', 'error': error}
        if end['status'] == 0:
            if 'result' not in told:
                return {**answer, 'outcome': 'result'}
            result = _clean(told['result'])
            if len(result.encode()) > RESULT_BYTES or _json_bytes(result) > RESULT_JSON_BYTES:
                return _failed(answer, 'size', 'ValueError', _too_large())
            return {**answer, 'outcome': 'result', 'result': result}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        # The tool can write there what it wants: it has not ended as a run does.
        pass
    status = end['status']
    if status == -signal.SIGKILL or 'heap out of memory' in stderr:
        return _failed(answer, 'memory', 'MemoryError', 'the tool was killed: it ran out of memory, or killed itself')
    if status == -signal.SIGXCPU:
        return _failed(answer, 'timeout', 'TimeoutError', 'the tool used up its processor time and was ended')
    how = f'signal {signal.Signals(-status).name}' if status < 0 else f'exit code {status}'
    return _failed(answer, 'died', 'ProcessDied', f"the tool's process ended before its end, with {how}")


def _too_large():
    return f"the tool's result is larger than {RESULT_BYTES} bytes: let it answer less"


def _failed(answer, outcome, name, value):
    return {**answer, 'outcome': outcome, 'error': {'name': name, 'value': value, 'traceback': f'{name}: {value}'}}


def _text(sink):
    text = sink.bytes().decode('utf-8', 'replace')
    while _json_bytes(text) > OUTPUT_JSON_BYTES:
        text = text[: len(text) // 2]
        sink.over = True
    return text + '\n… (cut: the sandbox keeps no more of it)' if sink.over else text


def _clean(text):
    if not isinstance(text, str):
        raise TypeError(f'got {type(text).__name__}, wanted a string')
    return text.encode('utf-8', 'replace').decode()


def _json_bytes(text):
    return len(json.dumps(text))


def _job(job):
    descriptor = os.memfd_create('job')
    with open(descriptor, 'wb', closefd=False) as file:
        file.write(json.dumps(job).encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _threads(process):
    return [int(name) for name in os.listdir(f'/proc/{process}/task')]


def _memory(processes, of):
    return sum(of(process) for process in processes)


def _resident(process):
    try:
        with open(f'/proc/{process}/statm', 'rb') as file:
            return int(file.read().split()[1]) * 4096
    except (OSError, IndexError, ValueError):
        return 0


def _share(process):
    """Memory with what it shares with others counted in part: forks share nearly all of it."""
    try:
        with open(f'/proc/{process}/smaps_rollup', 'rb') as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b'Pss:'))
    except (OSError, StopIteration, IndexError, ValueError):
        return _resident(process)
