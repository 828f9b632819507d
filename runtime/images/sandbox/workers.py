"""Runs in processes of their own: pipes, limits and time, and that nothing of a run is left when it has ended."""

import json
import os
import select
import socket
import subprocess
import sys
import time

from answer import OUTPUT_BYTES, RESULT_BYTES, answer
from memory import uses_too_much
from wipe import wipe

WATCH_SECONDS = 0.05
READY_SECONDS = 20
# After a kill all is over at once, but for a machine under load.
END_SECONDS = 10
# The answer does not wait longer; the next run does.
WIPE_AFTER_SECONDS = 3
WIPE_BEFORE_SECONDS = 10


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
        # Lambda starts a runtime again that has ended, and leaves the files of the one before.
        self._is_clean = False

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

    def clean(self):
        """Before a run: empties what an earlier one has left, if the time after it was too short.

        :raises Unclean: if that takes too long again
        """
        if not self._is_clean:
            self._wipe(WIPE_BEFORE_SECONDS)
        if not self._is_clean:
            raise Unclean('the folders of runs cannot be emptied')

    def run(self, language, code, environment, seconds, network):
        """
        :returns: what the run came to, as `SandboxRunAnswer` of contract.ts
        :raises Unclean: if something of the run is left, or may be
        """
        self.clean()
        self._is_clean = False
        try:
            return self._run(language, code, environment, seconds, network)
        except Unclean:
            raise
        except Exception as error:
            # Its text could quote the tool.
            raise Unclean(f'{type(error).__name__} while a tool ran') from None

    def _run(self, language, code, environment, seconds, network):
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
        if not end['clean']:
            raise Unclean('processes of a run cannot be killed')
        for sink in sinks:
            sink.drain()
        self._wipe(WIPE_AFTER_SECONDS)
        stdout, stderr, told = sinks
        outputs = [(sink.bytes(), sink.over) for sink in (stdout, stderr)]
        return {
            **answer(end['status'], why, told.bytes(), outputs, seconds),
            'durationMs': round((time.monotonic() - began) * 1000),
        }

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
        why, look = None, time.monotonic() + WATCH_SECONDS
        while True:
            for descriptor, _ in poll.poll(WATCH_SECONDS * 1000):
                if descriptor == self._control.fileno():
                    message = self._control.recv(4096)
                    if not message:
                        raise Unclean('the process that runs are forked from is gone')
                    return json.loads(message), why
                if by_descriptor[descriptor].read() == 0:
                    poll.unregister(descriptor)
            now = time.monotonic()
            if why is None:
                if now > deadline:
                    why = 'timeout'
                elif sinks[2].over:
                    why = 'size'
                elif now > look:
                    why = 'memory' if uses_too_much(self._nursery.pid, self._memory_bytes) else None
                    look = time.monotonic() + WATCH_SECONDS
                if why is not None:
                    self._control.send(b'kill')
            elif now > deadline + END_SECONDS:
                raise Unclean('a run cannot be ended')

    def _wipe(self, seconds):
        until = time.monotonic() + seconds
        self._is_clean = all(wipe(folder, until - time.monotonic()) for folder in self._folders)


class _Sink:
    """Reads a pipe to its end and keeps no more than the first bytes."""

    def __init__(self, descriptor, most):
        os.set_blocking(descriptor, False)
        self.descriptor, self._most, self._kept, self.over = descriptor, most, bytearray(), False

    def read(self):
        """
        :returns: how many bytes there were; 0 at the end, None if there are none yet
        """
        try:
            data = os.read(self.descriptor, 65536)
        except BlockingIOError:
            return None
        room = self._most - len(self._kept)
        self._kept += data[:room]
        self.over = self.over or len(data) > room
        return len(data)

    def drain(self):
        # All writers are dead. Yet the pipe may have no end: a descriptor on its way through a socket keeps it open.
        while self.read():
            pass
        os.close(self.descriptor)

    def bytes(self):
        return bytes(self._kept)


def _job(job):
    descriptor = os.memfd_create('job')
    with open(descriptor, 'wb', closefd=False) as file:
        file.write(json.dumps(job).encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _threads(process):
    return [int(name) for name in os.listdir(f'/proc/{process}/task')]
