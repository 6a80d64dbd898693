"""What a compiled program needs in memory, and whether there is as much."""

import pathlib

import jax
from jax import stages

_GIB = 2**30
_MEMINFO = pathlib.Path("/proc/meminfo")
_GROUPS = pathlib.Path("/sys/fs/cgroup")
_OWN_GROUPS = pathlib.Path("/proc/self/cgroup")
# Of a container or a job: where its group stands, its limit, what it uses, and which
# numbers of memory.stat beside them are copies of files that give way; by the two
# versions of Linux's control groups.
_LIMITS = (
    ("", "memory.max", "memory.current", ("inactive_file", "active_file")),
    (
        "memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        ("total_inactive_file", "total_active_file"),
    ),
)


def needed(program: stages.Compiled) -> int:
    """Returns bytes of a compiled program: inputs, outputs and what lies between."""
    found = program.memory_analysis()
    if found is None:
        raise ValueError("this device does not say what a program needs in memory")
    return int(
        found.temp_size_in_bytes
        + found.argument_size_in_bytes
        + found.output_size_in_bytes
        - found.alias_size_in_bytes
    )


def available(device: jax.Device) -> int | None:
    """Returns bytes that are free on a device; None where it cannot be told."""
    stats = device.memory_stats() if device.platform != "cpu" else None
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    if device.platform != "cpu" or not _MEMINFO.is_file():
        return None
    lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
    free = int(lines["MemAvailable"].split()[0]) * 1024
    for kind, limit, used, names in _LIMITS:
        for group in _groups(kind):
            path = group / limit
            if path.is_file() and (text := path.read_text().strip()).isdigit():
                cached = _cached(group / "memory.stat", names)
                held = int((group / used).read_text()) - cached
                free = min(free, int(text) - held)
    return free


def _groups(kind: str) -> list[pathlib.Path]:
    """Returns folders of the control groups of this process, from the outermost in."""
    top = _GROUPS / kind
    found = [top]
    if _OWN_GROUPS.is_file():
        for line in _OWN_GROUPS.read_text().splitlines():
            _, kinds, name = line.split(":", 2)
            if kind in kinds.split(","):
                parts = pathlib.PurePosixPath(name).parts[1:]
                found += [top.joinpath(*parts[: n + 1]) for n in range(len(parts))]
    return found


def _cached(path: pathlib.Path, names: tuple[str, ...]) -> int:
    """Returns bytes of a container's copies of files."""
    if not path.is_file():
        return 0
    found = dict(line.split() for line in path.read_text().splitlines())
    return sum(int(found.get(name, 0)) for name in names)


def check(program: stages.Compiled, what: str) -> None:
    """Raises a MemoryError unless a program fits, as far as the device tells.

    Args:
      program: compiled; its parameters are in memory already.
      what: is run, for the message.
    """
    device = jax.devices()[0]
    free = available(device)
    found = program.memory_analysis()
    if found is None:
        return
    wanted = found.temp_size_in_bytes + found.output_size_in_bytes
    if free is not None and wanted > free:
        raise MemoryError(
            f"{what} need {wanted / _GIB:.1f} GiB, {free / _GIB:.1f} GiB are free on "
            f"{device.device_kind}; fold a shorter piece, or use a larger machine"
        )
