"""Empties a folder, whatever a tool has made in it: folders without rights, and deeper ones than a path can name."""

import os
import stat
import time

SECONDS = 10


def wipe(folder):
    """
    :returns: whether nothing is left of what this process' user owns
    """
    try:
        # A tool may have taken its own rights away; where the folder is another's, nothing can have been put into it.
        if os.stat(folder).st_uid == os.getuid():
            os.chmod(folder, 0o700)
        if not os.access(folder, os.W_OK):
            return True
    except FileNotFoundError:
        return True
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    until = time.monotonic() + SECONDS
    try:
        moved = 0
        while names := _own(root):
            for name in names:
                if time.monotonic() > until:
                    return False
                if not _is_folder(root, name):
                    os.unlink(name, dir_fd=root)
                    continue
                # Folders inside come up beside it, so that depth never matters.
                os.chmod(name, 0o700, dir_fd=root)
                inside = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
                try:
                    for child in os.listdir(inside):
                        if _is_folder(inside, child):
                            os.chmod(child, 0o700, dir_fd=inside)
                            moved += 1
                            os.rename(child, f'.wipe-{os.getpid()}-{moved}', src_dir_fd=inside, dst_dir_fd=root)
                        else:
                            os.unlink(child, dir_fd=inside)
                finally:
                    os.close(inside)
                os.rmdir(name, dir_fd=root)
        return True
    except OSError:
        return False
    finally:
        os.close(root)


def _own(folder):
    user = os.getuid()
    return [name for name in os.listdir(folder) if os.stat(name, dir_fd=folder, follow_symlinks=False).st_uid == user]


def _is_folder(folder, name):
    return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
