r"""Makes a model that learned nothing: its embeddings say each letter, and no more.

  ssrlm letters models/letters
  ssrlm tertiary --config.model=models/letters ...

The baseline for anything that is trained on embeddings: what a trained model scores
beyond it, pre-training taught. An encoder without layers; one-hot over the alphabet.
"""

import argparse
import dataclasses
import pathlib

import numpy as np

from ssrlm_jax import config, model_dir
from ssrlm_jax.jobs import command
from ssrlm_jax.rna import alphabet

WIDTH = alphabet.SIZE + alphabet.SIZE % 2  # of heads, of which there are none: even


def write(flags: argparse.Namespace) -> None:
    """Writes the model directory."""
    model_dir.check_free(flags.out)
    architecture = config.EncoderConfig(
        num_layers=0, width=WIDTH, num_heads=1, num_kv_heads=1, is_head_tied=True
    )
    from flax import traverse_util  # not above: JAX takes seconds

    from ssrlm_jax.models import attention, encoders, shapes

    network = encoders.Encoder(
        **dataclasses.asdict(architecture), attend=attention.plain
    )
    arrays = {
        name.removeprefix("encoder/"): np.zeros(shape, np.float32)
        for name, shape in shapes.of(network).items()
    }
    arrays["embedding"] = np.eye(alphabet.SIZE, WIDTH, dtype=np.float32)
    # The last norm brings the one number of a letter to the root of the width.
    arrays["final_norm/scale"] = np.full(WIDTH, WIDTH**-0.5, np.float32)
    description = model_dir.Description(
        architecture=architecture,
        letters=alphabet.LETTERS,
        made={"step": 0},
        scores={},
    )
    params = traverse_util.unflatten_dict(arrays, sep="/")
    model_dir.save(flags.out, description, params)
    print(f"wrote {flags.out}")


COMMAND = command.Command(
    function=write,
    about=__doc__,
    flags={"out": {"type": pathlib.Path, "metavar": "OUT", "help": "directory"}},
)
