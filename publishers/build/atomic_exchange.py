"""Two files change places in one step, where the system knows how to.

To replace a file by rename is what everybody does, so ext4 looks after those who do it and expect
the new file to outlive a power cut: it sends the data to the disk there and then. For pages that
are rendered again after a power cut that is time for nothing, a quarter of a millisecond each, and
several when the disk has other work. An exchange is not taken for such a replacement.
"""

import ctypes
import errno
import os
from functools import cache
from typing import Any

_HERE = -100  # AT_FDCWD: a relative path begins at the working directory
_EXCHANGE = 2
_UNKNOWN = {errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP}


def exchange(one: str, other: str) -> bool:
    """Have two files change places; False where system or file system cannot do it.

    Raises:
        OSError: They can, but did not: one of the files is not there, for example.
    """
    system = _renameat2()
    if system is None:
        return False
    if system(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), one, None, other)


@cache
def _renameat2() -> Any:
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return None
    function.argtypes = (
        ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint
    )  # fmt: skip
    return function
