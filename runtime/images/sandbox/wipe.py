"""Empties a folder, whatever a tool has made in it: folders without rights, deeper ones than a path can name, and many."""

import errno
import os
import time
from itertools import islice

# Names are read in parts: a tool can make more of them than fit into memory.
AT_ONCE = 1000


def wipe(folder, seconds):
    """
    :param seconds: How long it may take
    :returns: whether nothing is left of what this process' user owns
    """
    try:
        is_ours = os.stat(folder).st_uid == os.getuid()
        if is_ours:
            _reset(folder)
        # Where the folder is another's, nothing can have been put into it.
        if not os.access(folder, os.W_OK):
            return True
        root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        is_empty = _empty(root, time.monotonic() + seconds)
        if is_ours:
            os.utime(root, (0, 0))
        return is_empty
    except OSError:
        return False
    finally:
        os.close(root)


def _reset(folder):
    """A tool may have taken its own rights away, or left a message in what the folder itself carries."""
    for name in os.listxattr(folder):
        if name.startswith(('user.', 'system.posix_acl')):
            os.removexattr(folder, name)
    os.chmod(folder, 0o700)


def _empty(root, until):
    user = os.getuid()
    while True:
        with os.scandir(root) as entries:
            own = (entry for entry in entries if entry.stat(follow_symlinks=False).st_uid == user)
            left = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in islice(own, AT_ONCE)]
        if not left:
            return True
        for name, is_folder in left:
            if not is_folder:
                os.unlink(name, dir_fd=root)
            elif not _remove_empty(root, name):
                os.chmod(name, 0o700, dir_fd=root)
                up = [name]
                while up and time.monotonic() < until:
                    up += _remove(root, up.pop(), until)
            if time.monotonic() > until:
                return False


def _remove(root, name, until):
    """
    Folders inside come up beside it, so that depth never matters.

    :returns: some of these
    """
    up = []
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
    try:
        while time.monotonic() < until:
            with os.scandir(folder) as entries:
                inside = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in islice(entries, AT_ONCE)]
            for child, is_folder in inside:
                if not is_folder:
                    os.unlink(child, dir_fd=folder)
                elif not _remove_empty(folder, child):
                    # Not a name that the tool could have taken before.
                    unique = f'.wipe-{os.urandom(8).hex()}'
                    os.chmod(child, 0o700, dir_fd=folder)
                    os.rename(child, unique, src_dir_fd=folder, dst_dir_fd=root)
                    up.append(unique)
            if len(inside) < AT_ONCE and _remove_empty(root, name):
                break
    finally:
        os.close(folder)
    return up[:AT_ONCE]


def _remove_empty(parent, name):
    try:
        os.rmdir(name, dir_fd=parent)
        return True
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
