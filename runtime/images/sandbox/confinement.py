"""What a tool's process may not do, by seccomp: an unprivileged process can give up rights this way, for good.

Lambda runs everything in a function as one user and lets nobody make namespaces, so that rights of files and
processes keep a tool from nothing. A security group does not keep it from the network either: the VPC's resolver
answers whatever the group says, and the Lambda Runtime API is on loopback.
"""

import ctypes
import errno
import os
import platform
import struct

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
_SECCOMP_MODE_FILTER = 2
_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000

_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06

# Kernel: include/uapi/linux/audit.h and the architectures' tables of system calls.
_ARCHITECTURES = {'x86_64': 0xC000003E, 'aarch64': 0xC00000B7}
_X32_BIT = 0x40000000

_NUMBERS = {
    'x86_64': dict(
        socket=41, clone=56, clone3=435, fcntl=72, ioctl=16, kill=62, tkill=200, tgkill=234, prlimit64=302,
        setpriority=141, sched_setscheduler=144, sched_setparam=142, sched_setaffinity=203, sched_setattr=314,
        ioprio_set=251, rt_sigqueueinfo=129, rt_tgsigqueueinfo=297, pidfd_send_signal=424, pidfd_getfd=438,
        ptrace=101, process_vm_readv=310, process_vm_writev=311, process_madvise=440, kcmp=312, io_uring_setup=425,
        io_uring_enter=426, io_uring_register=427, bpf=321, perf_event_open=298, userfaultfd=323, unshare=272,
        setns=308, mount=165, umount2=166, pivot_root=155, chroot=161, keyctl=250, add_key=248, request_key=249,
        shmget=29, shmat=30, shmctl=31, msgget=68, msgsnd=69, msgrcv=70, msgctl=71, semget=64, semop=65, semctl=66,
        semtimedop=220, mq_open=240, mq_unlink=241, open_by_handle_at=304, name_to_handle_at=303, fanotify_init=300,
        move_pages=279, migrate_pages=256, open_tree=428, move_mount=429, fsopen=430, fsconfig=431, fsmount=432,
        fspick=433, mount_setattr=442, socketpair=53, memfd_create=319, memfd_secret=447, vmsplice=278, personality=135,
        modify_ldt=154,
    ),
    'aarch64': dict(
        socket=198, clone=220, clone3=435, fcntl=25, ioctl=29, kill=129, tkill=130, tgkill=131, prlimit64=261,
        setpriority=140, sched_setscheduler=119, sched_setparam=118, sched_setaffinity=122, sched_setattr=274,
        ioprio_set=30, rt_sigqueueinfo=138, rt_tgsigqueueinfo=240, pidfd_send_signal=424, pidfd_getfd=438,
        ptrace=117, process_vm_readv=270, process_vm_writev=271, process_madvise=440, kcmp=272, io_uring_setup=425,
        io_uring_enter=426, io_uring_register=427, bpf=280, perf_event_open=241, userfaultfd=282, unshare=97,
        setns=268, mount=40, umount2=39, pivot_root=41, chroot=51, keyctl=219, add_key=217, request_key=218,
        shmget=194, shmat=196, shmctl=195, msgget=186, msgsnd=189, msgrcv=188, msgctl=187, semget=190, semop=193,
        semctl=191, semtimedop=192, mq_open=180, mq_unlink=181, open_by_handle_at=265, name_to_handle_at=264,
        fanotify_init=262, move_pages=239, migrate_pages=238, open_tree=428, move_mount=429, fsopen=430,
        fsconfig=431, fsmount=432, fspick=433, mount_setattr=442, socketpair=199, memfd_create=279, memfd_secret=447,
        vmsplice=75, personality=92,
    ),
}

# What later kernels have more is not known to be harmless: programs do without, since older kernels say the same.
_LAST_KNOWN = 450

# Ways to another process, to what outlives all processes, past this filter (io_uring does calls that it never sees), to memory
# that is no process' own, and to rare parts of the kernel.
_CLOSED = (
    'tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_getfd ptrace process_vm_readv process_vm_writev '
    'process_madvise kcmp io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd unshare setns '
    'mount umount2 pivot_root chroot keyctl add_key request_key shmget shmat shmctl msgget msgsnd msgrcv msgctl semget '
    'semop semctl semtimedop mq_open mq_unlink open_by_handle_at name_to_handle_at fanotify_init move_pages '
    'migrate_pages open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr memfd_create memfd_secret vmsplice '
    'personality modify_ldt'
).split()

# CLONE_NEW…, CLONE_PARENT, CLONE_PTRACE, CLONE_UNTRACED: a new world, a parent that is ours, a tracer.
_CLONE_FLAGS = 0x7E020000 | 0x00000080 | 0x00008000 | 0x00002000 | 0x00800000
# F_SETOWN, F_SETSIG, F_SETOWN_EX and FIOSETOWN, SIOCSPGRP: they make the kernel send a signal of one's choice to anybody.
_FCNTL_COMMANDS = (8, 10, 15)
# FS_IOC_SETFLAGS, FS_IOC_SETVERSION, EXT4_IOC_SETVERSION, FS_IOC_FSSETXATTR, FS_IOC_SET_ENCRYPTION_POLICY: what a folder that
# is emptied keeps. TIOCSTI, TIOCLINUX: input of a terminal's.
_IOCTL_COMMANDS = (
    *(0x8901, 0x8902),
    *(0x40086602, 0x40087602, 0x40086604, 0x401C5820, 0x800C6613),
    *(0x5412, 0x541C),
)


def protect_own_memory():
    """Takes this process' memory, environment and open files from all others of its user: /proc no longer gives them."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), 'PR_SET_DUMPABLE')


def allow_own_memory():
    """What a fork inherits of `protect_own_memory` would hide the tool's own /proc from it."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), 'PR_SET_DUMPABLE')


def adopt_orphans():
    """Makes this process the parent of descendants whose parent has ended, so that none gets out of its sight."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 'PR_SET_CHILD_SUBREAPER')


def confine(protected_up_to, network):
    """Confines this process and all it will ever start.

    :param protected_up_to: Processes up to this id get no signal: Lambda's and ours, all of which are older.
    :param network: `none`; `tcp`, to a proxy at an address; `all`, for who must ask for names as well. What is open leads to
        loopback and the VPC's resolver too: a way out is one for whatever a tool knows.
    :raises OSError: if the kernel cannot confine; then no tool may run
    """
    program = _program(platform.machine(), protected_up_to, network)
    code = b''.join(program)
    buffer = ctypes.create_string_buffer(code, len(code))
    head = ctypes.create_string_buffer(struct.pack('HxxxxxxP', len(program), ctypes.addressof(buffer)))
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'PR_SET_NO_NEW_PRIVS')
    _check(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, head, 0, 0), 'PR_SET_SECCOMP')


def _program(machine, protected_up_to, network):
    if machine not in _NUMBERS:
        raise OSError(errno.ENOSYS, f'tools cannot be confined on {machine}, wanted one of {", ".join(_NUMBERS)}')
    numbers = _NUMBERS[machine]
    refuse = _returns(errno.EPERM)
    program = [
        _statement(_LOAD, 4),
        _statement(_JUMP_EQUAL, _ARCHITECTURES[machine], 1, 0),
        _statement(_RETURN, _KILL_PROCESS),
        _statement(_LOAD, 0),
    ]
    if machine == 'x86_64':
        program += [_statement(_JUMP_ANY_BIT, _X32_BIT, 0, 1), refuse]
    program += [_statement(_JUMP_GREATER, _LAST_KNOWN, 0, 1), _returns(errno.ENOSYS)]
    for name in _CLOSED:
        if name in numbers:
            program += [_statement(_JUMP_EQUAL, numbers[name], 0, 1), refuse]
    # glibc and Node use clone() instead, whose flags can be read here.
    program += [_statement(_JUMP_EQUAL, numbers['clone3'], 0, 1), _returns(errno.ENOSYS)]
    program += _rule(numbers['clone'], 0, [_statement(_JUMP_ANY_BIT, _CLONE_FLAGS, 0, 1), refuse])
    for name, commands in (('fcntl', _FCNTL_COMMANDS), ('ioctl', _IOCTL_COMMANDS)):
        for command in commands:
            program += _rule(numbers[name], 1, [_statement(_JUMP_EQUAL, command, 0, 1), refuse])
    # Itself (0) or what is younger than we are; all (-1) and groups (negative) are none of its business.
    signals = [
        _statement(_JUMP_EQUAL, 0, 3, 0),
        _statement(_JUMP_ANY_BIT, 0x80000000, 1, 0),
        _statement(_JUMP_GREATER, protected_up_to, 1, 0),
        refuse,
    ]
    program += _rule(numbers['kill'], 0, signals)
    program += _rule(numbers['tgkill'], 0, signals[1:])
    for name in ('prlimit64', 'sched_setscheduler', 'sched_setparam', 'sched_setaffinity', 'sched_setattr'):
        program += _rule(numbers[name], 0, [_statement(_JUMP_EQUAL, 0, 1, 0), refuse])
    for name in ('setpriority', 'ioprio_set'):
        program += _rule(numbers[name], 1, [_statement(_JUMP_EQUAL, 0, 1, 0), refuse])
    unreachable = _returns(errno.ENETUNREACH)
    # AF_UNIX, SOCK_STREAM: a pair of datagram sockets can also send to others, by their names.
    program += _rule(numbers['socketpair'], 0, [_statement(_JUMP_EQUAL, 1, 1, 0), unreachable])
    program += _rule(numbers['socketpair'], 1, [_statement(_AND, 0xF), _statement(_JUMP_EQUAL, 1, 1, 0), unreachable])
    if network == 'none':
        program += _rule(numbers['socket'], 0, [unreachable])
    else:
        program += _rule(
            numbers['socket'], 0, [_statement(_JUMP_EQUAL, 2, 2, 0), _statement(_JUMP_EQUAL, 10, 1, 0), unreachable]
        )
    if network == 'tcp':
        # SOCK_DGRAM, SOCK_RAW and the like; SOCK_STREAM is 1, and the flags of the type are above its low four bits.
        program += _rule(
            numbers['socket'], 1, [_statement(_AND, 0xF), _statement(_JUMP_EQUAL, 1, 1, 0), unreachable]
        )
        # Of the protocols TCP (or 0, which says the same), not SCTP or MPTCP.
        program += _rule(
            numbers['socket'], 2, [_statement(_JUMP_EQUAL, 0, 2, 0), _statement(_JUMP_EQUAL, 6, 1, 0), unreachable]
        )
    return program + [_statement(_RETURN, _ALLOW)]


def _rule(number, argument, checks):
    """`checks` with the low half of an argument in the accumulator, the call's number in it again afterwards."""
    body = [_statement(_LOAD, 16 + 8 * argument), *checks, _statement(_LOAD, 0)]
    return [_statement(_JUMP_EQUAL, number, 0, len(body)), *body]


def _returns(error):
    return _statement(_RETURN, 0x00050000 | error)


def _statement(code, value, on_true=0, on_false=0):
    return struct.pack('HBBI', code, on_true, on_false, value)


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f'{what} failed: {os.strerror(number)}')
