"""The process that all runs are forked from: it has everything imported and has never seen code of a caller's.

Started by `workers.py` with an empty environment, so that not even a look into its memory finds the credentials of the
function's role. Commands come on descriptor 3, one at a time: a run (with the descriptors of its pipes), or `kill`.
"""

import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time

import confinement
import runner

MEBIBYTE = 1024 * 1024

# Generous for tools, and few enough that all can be found and killed in no time.
MOST_PROCESSES = 128
MOST_OPEN_FILES = 512
LARGEST_FILE = 256 * MEBIBYTE
RESERVED_BY_V8 = 1024 * MEBIBYTE
SWEEP_SECONDS = 5


def main():
    confinement.protect_own_memory()
    confinement.adopt_orphans()
    # What is there by now is the same in all runs: none shall look for garbage in it, which would copy its pages.
    gc.freeze()
    control = socket.socket(fileno=3)
    control.set_inheritable(False)
    control.send(b'ready')
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 4096, 4)
        if not message:
            return
        if message == b'kill':
            # It crossed the news of an end.
            continue
        control.send(json.dumps(_run(control, json.loads(message), descriptors)).encode())


def _run(control, order, descriptors):
    child = os.fork()
    if child == 0:
        # Nothing may ever return into the nursery's own loop.
        try:
            control.close()
            _become_worker(order, descriptors)
        except BaseException as error:
            os.write(2, f'{type(error).__name__}: {error}\n'.encode())
        finally:
            os._exit(70)
    for descriptor in descriptors:
        os.close(descriptor)
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(control, select.POLLIN)
    killed = False
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if ended in ready:
            break
        if not control.recv(4096):
            _sweep()
            os._exit(0)
        killed = True
        os.kill(child, signal.SIGKILL)
    os.close(ended)
    _, status = os.waitpid(child, 0)
    return {'status': os.waitstatus_to_exitcode(status), 'killed': killed, 'clean': _sweep()}


def _become_worker(order, descriptors):
    os.setsid()
    nothing = os.open('/dev/null', os.O_RDONLY)
    job, stdout, stderr, result = descriptors
    # Out of the way first: one of them may have a number that another one is to get.
    kept = [os.dup2(descriptor, 100 + at) for at, descriptor in enumerate((nothing, stdout, stderr, job, result))]
    for at, descriptor in enumerate(kept):
        os.dup2(descriptor, at)
    os.closerange(5, 65536)
    os.chdir(order['home'])
    _limit(order)
    confinement.allow_own_memory()
    with open('/proc/self/oom_score_adj', 'w') as score:
        score.write('1000')
    confinement.confine(order['protectedUpTo'], order['network'])
    if order['language'] == 'python':
        runner.main()
    else:
        os.execve(order['node'][0], order['node'], {'PATH': os.environ['PATH'], 'HOME': order['home']})


def _limit(order):
    # V8 reserves a range for its code that it hardly uses; what Node really uses is watched from outside and by Node itself.
    memory = order['memoryBytes'] + (0 if order['language'] == 'python' else RESERVED_BY_V8)
    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_NOFILE, MOST_OPEN_FILES),
        (resource.RLIMIT_NPROC, MOST_PROCESSES),
        (resource.RLIMIT_MEMLOCK, 64 * 1024),
        (resource.RLIMIT_SIGPENDING, 1024),
        (resource.RLIMIT_MSGQUEUE, 0),
        # Not the address space: V8 reserves far more of it than it uses.
        (resource.RLIMIT_DATA, memory),
    ]
    for which, most in limits:
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))
    # Should the watch fail. It counts all threads of a process, and kills without a word at the harder limit.
    seconds = order['seconds'] * (os.cpu_count() or 1)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))


def _sweep():
    """Kills all that a run has left. True when nothing of it lives any more."""
    until = time.monotonic() + SWEEP_SECONDS
    while time.monotonic() < until:
        try:
            left = descendants(os.getpid())
        except OSError:
            # The machine has no file left to open; who has them all may be about to end.
            time.sleep(0.05)
            continue
        # All stand still before the first one dies: else each would have time to make another.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in left:
                try:
                    os.kill(process, number)
                except ProcessLookupError:
                    pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
    return False


def descendants(ancestor):
    children = {}
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open(f'/proc/{name}/stat', 'rb') as file:
                    # The name in brackets may hold anything; the parent is the second field behind it.
                    parent = int(file.read().rpartition(b')')[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, open_ends = [], [ancestor]
    while open_ends:
        for child in children.pop(open_ends.pop(), []):
            found.append(child)
            open_ends.append(child)
    return found


if __name__ == '__main__':
    try:
        main()
    except BaseException as error:
        sys.stderr.write(f'nursery: {type(error).__name__}: {error}\n')
        os._exit(70)
