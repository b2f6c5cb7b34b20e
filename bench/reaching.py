"""What other processes are asked from outside."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from axon.machine import Endpoint


def reachable(endpoint: Endpoint) -> bool:
    """Whether a connection is accepted there."""
    with socket.socket() as probe:
        return probe.connect_ex((endpoint.host, endpoint.port)) == 0


def resident_mb(pid: int) -> float:
    """The resident memory of a process, in units of 1,024 x 1,024 bytes."""
    return _memory_mb(pid, "VmRSS:")


def peak_mb(pid: int) -> float:
    """The most that it was so far."""
    return _memory_mb(pid, "VmHWM:")


def _memory_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(f"process {pid} has gone")


def processor_s(pid: int) -> float | None:
    """The processor seconds that a process has used so far; None where there is no /proc."""
    path = Path(f"/proc/{pid}/stat")
    if not path.exists():
        return None
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
