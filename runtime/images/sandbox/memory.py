"""What a run's processes use of the environment's memory."""

from nursery import descendants

# Before the kernel has to kill, and perhaps kills Lambda's process or ours.
LEAST_LEFT_BYTES = 32 * 1024 * 1024


def uses_too_much(ancestor, most_bytes, least_left_bytes=LEAST_LEFT_BYTES):
    """
    :param ancestor: Process whose descendants are meant
    :returns: whether they use more than `most_bytes`, or have used up the machine's memory or open files
    """
    try:
        # What is in pipes, sockets and shared memory that nobody has mapped is no process' own.
        if _left() < least_left_bytes:
            return True
        processes = descendants(ancestor)
        return sum(map(_resident, processes)) > most_bytes and sum(map(_share, processes)) > most_bytes
    except OSError:
        return True


def _left():
    with open('/proc/meminfo', 'rb') as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b'MemAvailable:'))


def _resident(process):
    """With its page tables, which are memory of the kernel's and can be made larger than what they lead to."""
    return _sum(f'/proc/{process}/status', (b'VmRSS:', b'VmPTE:'))


def _share(process):
    """Memory with what it shares with others counted in part: forks share nearly all of it."""
    share = _sum(f'/proc/{process}/smaps_rollup', (b'Pss:',))
    # A process can close this file to all others.
    return share + _sum(f'/proc/{process}/status', (b'VmPTE:',)) if share else _resident(process)


def _sum(name, fields):
    try:
        with open(name, 'rb') as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith(fields))
    except (ProcessLookupError, FileNotFoundError, PermissionError, IndexError, ValueError):
        return 0
