"""What a run would need, found without running it: `--dry_run`.

The update is compiled for shapes alone; nothing is allocated and nothing is
trained. Memory is what XLA says of the compiled update on the back end at hand.
"""

import dataclasses
import time

import jax
from jax.sharding import Mesh

from ssrlm_jax import config, types
from ssrlm_jax.train import contract, hardware, optimizers, updates

MFU = 0.45  # of the peak; assumed for expected times
CARDS = ("A100", "H200")
NUM_CARDS = (1, 8)
GIB = 2**30
DAY = 86_400  # seconds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run would need.

    Attributes:
      parameters: learned ones.
      flops_per_token: of training, by the task's own count.
      tokens_per_step: of one update, over all processes.
      num_steps: updates of the run.
      mesh: devices by axis.
      backend: what the memory was analysed for: platform and kind of device.
      notes: lines of whoever asks, such as the choice of attention.
      arguments: bytes per device of state and batch.
      outputs: bytes per device of what is not written over the arguments.
      temporaries: bytes per device of everything in between.
      compile_seconds: time that compilation took.
    """

    parameters: int
    flops_per_token: float
    tokens_per_step: float
    num_steps: int
    mesh: dict[str, int]
    backend: str
    notes: tuple[str, ...]
    arguments: int
    outputs: int
    temporaries: int
    compile_seconds: float

    @property
    def peak(self) -> int:
        """Bytes per device: arguments, outputs and temporaries together."""
        return self.arguments + self.outputs + self.temporaries

    @property
    def tokens(self) -> float:
        """Tokens of the whole run."""
        return self.tokens_per_step * self.num_steps

    def seconds(self, card: str, num_cards: int) -> float:
        """Returns the time of the run on cards of a kind, at an MFU of `MFU`.

        Raises:
          ValueError: the peak of the card is not known.
        """
        peak = hardware.peak(card)
        if peak is None:
            raise ValueError(f"{card!r} is not one of {tuple(hardware.PEAKS)}")
        return self.tokens * self.flops_per_token / (peak * num_cards * MFU)

    def __str__(self) -> str:
        times = ", ".join(
            f"{count} x {card} {self.seconds(card, count) / DAY:,.2f} d"
            for card in CARDS
            for count in NUM_CARDS
        )
        rows = {
            "parameters": f"{self.parameters:,}",
            "FLOPs per token": f"{self.flops_per_token:.3e} (training)",
            "run": f"{self.num_steps:,} steps of {self.tokens_per_step:,.0f} tokens, "
            f"{self.tokens:.3e} tokens, {self.tokens * self.flops_per_token:.2e} FLOPs",
            "mesh": " x ".join(f"{axis} {size}" for axis, size in self.mesh.items()),
            "memory per device": f"{self.peak / GIB:.2f} GiB: state and batch "
            f"{self.arguments / GIB:.2f}, temporaries {self.temporaries / GIB:.2f}, "
            f"other outputs {self.outputs / GIB:.2f} (by XLA, for {self.backend})",
            "compilation": f"{self.compile_seconds:.1f} s",
            "expected time": f"{times} (at an MFU of {MFU:.0%})",
        }
        lines = [f"{name + ':':19}{value}" for name, value in rows.items()]
        return "\n".join([*lines, *self.notes])


def make(
    task: contract.Task,
    optimizer: optimizers.Optimizer,
    batch: types.Batch,
    *,
    settings: config.LoopConfig,
    mesh: Mesh,
    num_shares: int = 1,
    notes: tuple[str, ...] = (),
) -> Plan:
    """Compiles an update and returns what a run of it would need.

    Args:
      task: what would be learned.
      optimizer: of `train.optimizer`.
      batch: one process's share of a batch; shapes, types and its cost matter.
      settings: of the loop.
      mesh: the devices.
      num_shares: of a batch, over processes; of `sharding.share`.
      notes: lines to add to the text.

    Raises:
      MemoryError: the compiler finds that the update does not fit the device.
    """
    compiled = updates.build(task, optimizer, settings=settings, mesh=mesh, seed=0)
    rows = {
        name: jax.ShapeDtypeStruct((num_shares * len(a), *a.shape[1:]), a.dtype)
        for name, a in batch.items()
    }
    start = time.perf_counter()
    with jax.set_mesh(mesh), hardware.memory_explained(settings):
        program = compiled.take.lower(
            compiled.abstract, rows, compiled.notes(0.0, 0.0, 0.0, 0.0), compiled.key
        ).compile()
    seconds = time.perf_counter() - start
    memory = program.memory_analysis()
    if memory is None:
        raise ValueError("this device does not say what a program needs in memory")
    cost = task.cost(batch)
    device = mesh.devices.flat[0]
    return Plan(
        parameters=sum(
            leaf.size for leaf in jax.tree.leaves(compiled.abstract.learned)
        ),
        flops_per_token=cost.flops / cost.tokens,
        tokens_per_step=cost.tokens * num_shares,
        num_steps=settings.num_steps,
        mesh=dict(mesh.shape),
        backend=f"{device.platform}, {device.device_kind}",
        notes=notes,
        arguments=memory.argument_size_in_bytes,
        outputs=memory.output_size_in_bytes - memory.alias_size_in_bytes,
        temporaries=memory.temp_size_in_bytes,
        compile_seconds=seconds,
    )
