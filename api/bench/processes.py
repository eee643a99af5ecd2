"""What processes take of the machine, from /proc (proc(5)): CPU time in ticks of 10 ms, memory in pages."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int | None) -> float:
    """Seconds, user and system; 0 without such a process, or without /proc."""
    fields = _fields(pid)
    return sum(map(int, fields[11:13])) / _TICKS if fields else 0.0


def family_cpu_s(pid: int | None) -> float:
    """With its children, those that ended included."""
    fields = _fields(pid)
    if not fields:
        return 0.0
    ended = sum(map(int, fields[13:15])) / _TICKS
    living = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    children = [other for other in living if (its := _fields(other)) and int(its[1]) == pid]
    return cpu_s(pid) + ended + sum(map(cpu_s, children))


def parent(pid: int) -> int | None:
    fields = _fields(pid)
    return int(fields[1]) if fields else None


def command(pid: int) -> str:
    """What it was called with, or calls itself."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def resident_mib(pid: int | None) -> float:
    """0 without such a process, or without /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _fields(pid: int | None) -> list[str]:
    """From the third on: the name before them may contain anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
