"""Trains the toy task in a process of its own; started by tests through processes.py.

Settings: workdir, mesh, loop; `wait`: seconds before each batch; `kill_at_batch`:
the process kills itself when it asks for that batch; `kill_at_rename`: the process
kills itself instead of that rename of a save (a save makes three, counted from 0);
`compiled`: folder of compiled programs; `inner`: width of the toy.
"""

import itertools
import os
import pathlib
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import processes
import toy


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _batches(settings: dict[str, Any], index: int, num_shares: int) -> Any:
    def batches(start: int) -> Iterator[Any]:
        share = toy.batches(start, index=index, num_shares=num_shares)
        for number, batch in enumerate(share, start):
            time.sleep(settings.get("wait", 0.0))
            if number == settings.get("kill_at_batch"):
                _kill()
            yield batch

    return batches


def _kill_at_rename(number: int) -> None:
    """Lets the process die in a save, which ends with renaming what it wrote."""
    rename = os.rename
    numbers = itertools.count()

    def rename_or_die(source: Any, target: Any, **kwargs: Any) -> None:
        if "checkpoint-tmp" in str(source) and next(numbers) == number:
            _kill()
        rename(source, target, **kwargs)

    os.rename = rename_or_die


def main() -> None:
    settings = processes.join(sys.argv[1])
    from ssrlm_jax import config
    from ssrlm_jax.train import hardware, loop, sharding

    hardware.keep_compiled(settings["compiled"], min_seconds=0.0)
    mesh = sharding.make_mesh(config.MeshConfig(**settings["mesh"]))
    index, num_shares = sharding.share(mesh)
    if "kill_at_rename" in settings:
        _kill_at_rename(settings["kill_at_rename"])
    loop.run(
        toy.Mlp(settings.get("inner", toy.INNER)),
        _batches(settings, index, num_shares),
        toy.optimizer(),
        settings=config.LoopConfig(**settings["loop"]),
        mesh=mesh,
        seed=0,
        workdir=pathlib.Path(settings["workdir"]),
        meta=toy.META,
    )


if __name__ == "__main__":
    main()
