"""Trains the toy task in a process of its own; started by tests through processes.py.

Settings: workdir, mesh, loop; `wait` seconds before each batch; `kill_at`: the
process kills itself when it asks for that batch; `slow_save`: seconds for which
a save hangs before it becomes a checkpoint, and `kill_in_save`: seconds into the
first save at which the process kills itself.
"""

import os
import pathlib
import signal
import sys
import threading
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
            if number == settings.get("kill_at"):
                _kill()
            yield batch

    return batches


def _kill_in_first_save(seconds: float) -> None:
    """Makes the commit of a save hang, and dies `seconds` into it."""
    commit = os.rename

    def rename(source: Any, target: Any, **kwargs: Any) -> None:
        if "checkpoint-tmp" in str(source):
            threading.Timer(seconds, _kill).start()
            time.sleep(60.0)
        commit(source, target, **kwargs)

    os.rename = rename


def main() -> None:
    settings = processes.join(sys.argv[1])
    from ssrlm_jax import config
    from ssrlm_jax.train import loop, sharding

    mesh = sharding.make_mesh(config.MeshConfig(**settings["mesh"]))
    index, num_shares = sharding.share(mesh)
    if "kill_in_save" in settings:
        _kill_in_first_save(settings["kill_in_save"])
    loop.run(
        toy.Mlp(),
        _batches(settings, index, num_shares),
        toy.optimizer(),
        config=config.LoopConfig(**settings["loop"]),
        mesh=mesh,
        seed=0,
        workdir=pathlib.Path(settings["workdir"]),
        meta=toy.META,
    )


if __name__ == "__main__":
    main()
