"""Exchanges two files in one step, where the system can.

On a rename over an existing file, ext4 sends the data to the disk at once, so that the new file
outlives a power cut. Pages are rendered again after a power cut, so this time is wasted: a quarter
of a millisecond each, and several when the disk has other work. ext4 does not do so on an exchange.
"""

import ctypes
import errno
import os
from typing import Any

_HERE = -100  # AT_FDCWD: a relative path begins at the working directory
_EXCHANGE = 2
_UNKNOWN = {errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP}


def exchange(first: str, second: str) -> bool:
    """Exchange two files; False where the system or the file system cannot.

    Raises:
        OSError: The exchange failed, for example since a file is missing.
    """
    if _RENAMEAT2 is None:
        return False
    if _RENAMEAT2(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), first, None, second)


def _load_renameat2() -> Any:
    """The system's function; None where it has none."""
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return None
    function.argtypes = (
        ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint
    )  # fmt: skip
    return function


_RENAMEAT2 = _load_renameat2()
