"""How much memory this process holds, and held at most."""

import ctypes
import resource
import sys
from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")
_FORGET = Path("/proc/self/clear_refs")


def resident_mib() -> float:
    """Resident memory now, or its peak so far where the system tells no more."""
    return _from_status("VmRSS:") if _STATUS.exists() else peak_mib()


def mapped_mib() -> float:
    """Resident pages of mapped files now; 0 where the system does not tell."""
    return _from_status("RssFile:") if _STATUS.exists() else 0.0


def peak_mib() -> float:
    """The most that was resident since the process began, or since `forget_peak` where the system can."""
    if _STATUS.exists():
        return _from_status("VmHWM:")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def forget_peak() -> None:
    """Starts the peak again from what is resident now; without effect outside Linux."""
    with suppress(OSError):
        _FORGET.write_text("5")


def give_back() -> None:
    """Returns memory that is free inside the process to the system, so that using it again is seen; glibc only."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _from_status(key: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(key))
    return float(line.split()[1]) / 1024
