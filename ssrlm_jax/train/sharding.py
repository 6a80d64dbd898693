"""Which device holds what: the mesh, the layout of parameters and of batches.

The mesh has the axes (data, fsdp, tensor). Rows of a batch are spread over data
and fsdp; parameters as a task's partition rules say.
"""

import math
import re
from collections.abc import Sequence

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from ssrlm_jax import config, types

AXES = ("data", "fsdp", "tensor")
_Path = tuple[object, ...]  # keys on the way to a leaf, as jax.tree gives them
ROWS = PartitionSpec(("data", "fsdp"))


def initialize(settings: config.DistributedConfig) -> None:
    """Joins the processes of a run; call it before anything touches a device.

    "auto" reads what SLURM, Open MPI or Kubernetes has set, see
    `jax.distributed.initialize`.

    Raises:
      ValueError: "auto" was asked for and no such environment is found.
    """
    if settings.mode == "off":
        return
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    if settings.mode == "explicit":
        jax.distributed.initialize(
            settings.address, settings.num_processes, settings.process_id
        )
        return
    try:
        jax.distributed.initialize()
    except ValueError as error:
        raise ValueError(
            "distributed.mode='auto' found no SLURM, Open MPI or Kubernetes "
            f"environment ({error}); use distributed.mode=explicit"
        ) from error


def make_mesh(
    settings: config.MeshConfig, devices: Sequence[jax.Device] | None = None
) -> Mesh:
    """Returns the mesh over all devices, or over `devices`.

    Raises:
      ValueError: the axes do not multiply to the number of devices.
    """
    devices = jax.devices() if devices is None else devices
    sizes = [getattr(settings, axis) for axis in AXES]
    given = math.prod(size for size in sizes if size != -1)
    found = " x ".join(f"mesh.{axis}={getattr(settings, axis)}" for axis in AXES)
    if len(devices) % given or (-1 not in sizes and len(devices) != given):
        raise ValueError(f"{found} does not fit {len(devices)} devices")
    shape = [len(devices) // given if size == -1 else size for size in sizes]
    grid = np.array(devices).reshape(shape)
    return Mesh(grid, AXES, axis_types=(AxisType.Auto,) * len(AXES))


def check_batch(
    rows_per_batch: int,
    micro_batches: int,
    mesh: Mesh,
    setting: str = "data.rows_per_batch",
) -> None:
    """Checks that every micro-batch puts the same number of rows on every device.

    Raises:
      ValueError: it does not; the message names the settings.
    """
    spread = mesh.shape["data"] * mesh.shape["fsdp"]
    if rows_per_batch % (spread * micro_batches):
        raise ValueError(
            f"{setting}={rows_per_batch} is not divisible by "
            f"loop.micro_batches={micro_batches} x {spread} devices that rows are "
            f"spread over (mesh.data={mesh.shape['data']} x "
            f"mesh.fsdp={mesh.shape['fsdp']})"
        )


def share(mesh: Mesh) -> tuple[int, int]:
    """Returns which share of each batch this process reads: (index, number of shares).

    Processes that only differ along the tensor axis read the same rows.

    Raises:
      ValueError: the rows of this process are not one block of the batch.
    """
    grid = mesh.devices.reshape(-1, mesh.shape["tensor"])
    is_mine = [
        any(device.process_index == jax.process_index() for device in row)
        for row in grid
    ]
    first, num_mine = is_mine.index(True), sum(is_mine)
    if first % num_mine or not all(is_mine[first : first + num_mine]):
        raise ValueError(
            "the mesh scatters the rows of one process over the batch; choose "
            "mesh.tensor so that it divides the devices of a process, or is a "
            "multiple of them"
        )
    return first // num_mine, len(grid) // num_mine


def spread(batch: types.Batch, mesh: Mesh) -> dict[str, jax.Array]:
    """Returns the global batch of which every process gives its share."""
    rows = NamedSharding(mesh, ROWS)
    return {
        name: jax.make_array_from_process_local_data(rows, array)
        for name, array in batch.items()
    }


def lay_out(
    params: types.Params, rules: tuple[tuple[str, PartitionSpec], ...], mesh: Mesh
) -> types.Params:
    """Returns the sharding of every parameter.

    Args:
      params: arrays or their shapes.
      rules: (pattern, layout); the first pattern found in a path such as
        "blocks/ffn/up" decides.
      mesh: where to.

    Raises:
      ValueError: no rule fits a parameter, or a layout does not divide its shape.
    """

    def one(path: _Path, leaf: jax.Array | jax.ShapeDtypeStruct) -> NamedSharding:
        name = path_name(path)
        for pattern, spec in rules:
            if re.search(pattern, name):
                _check_divides(name, leaf.shape, spec, mesh)
                return NamedSharding(mesh, spec)
        raise ValueError(f"parameter {name} {leaf.shape}: no partition rule fits")

    return jax.tree.map_with_path(one, params)


def path_name(path: _Path) -> str:
    """Returns a path in a tree as "blocks/ffn/up"."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def _check_divides(
    name: str, shape: tuple[int, ...], spec: PartitionSpec, mesh: Mesh
) -> None:
    if len(spec) > len(shape):
        raise ValueError(f"parameter {name} {shape}: {spec} has too many axes")
    for size, axes in zip(shape, spec, strict=False):
        axes = axes if isinstance(axes, tuple) else (axes,)
        parts = math.prod(mesh.shape[axis] for axis in axes if axis is not None)
        if size % parts:
            found = " x ".join(f"mesh.{axis}={mesh.shape[axis]}" for axis in axes)
            raise ValueError(
                f"parameter {name} {shape}: {found} does not divide {size}"
            )
