"""In which numbers a model multiplies here: those of its encoder, and of its head."""

import pathlib
from typing import NamedTuple

from ssrlm_jax import config

AUTO = "auto"
ACCEPTED = (AUTO, *config.DTYPES)
# Converted encoders, which gain, are 640 wide and more; those that ship, 192 and less.
LEAST_WIDTH = 512
_FACTS = pathlib.Path("/proc/cpuinfo")  # of Linux, where XLA knows of AMX


class Precision(NamedTuple):
    """Dtypes of products, of `config.DTYPES`; norms and softmax are in float32.

    Attributes:
      encoder: of its products.
      head: of its products.
      is_chosen: by "auto", and not by the user.
    """

    encoder: str
    head: str
    is_chosen: bool

    @property
    def note(self) -> str:
        """Says so where products are rounded that were not asked to be, else ""."""
        if not self.is_chosen or self.encoder == "float32":
            return ""
        return (
            f"the encoder multiplies in {self.encoder}, which this processor does by "
            'itself, and results are rounded; dtype "float32" rounds none'
        )


def check(dtype: str) -> None:
    """Raises a ValueError for a dtype that is not of ACCEPTED."""
    if dtype not in ACCEPTED:
        raise ValueError(f"dtype={dtype!r} is not one of {ACCEPTED}")


def choose(dtype: str, width: int) -> Precision:
    """Returns the precision that is asked for.

    "auto" is bfloat16 for a wide encoder on a CPU with AMX, which multiplies it three
    to four times as fast as float32; and float32 for heads, whose convolutions gain
    nothing, and everywhere else. docs/speed.md has both measured.

    Args:
      dtype: of ACCEPTED.
      width: of the encoder.

    Raises:
      ValueError: another dtype.
    """
    check(dtype)
    if dtype != AUTO:
        return Precision(dtype, dtype, is_chosen=False)
    is_rounded = width >= LEAST_WIDTH and _has_amx()
    of_encoder = "bfloat16" if is_rounded else "float32"
    return Precision(of_encoder, "float32", is_chosen=True)


def _has_amx() -> bool:
    """Whether a CPU computes, and multiplies matrices of bfloat16 by itself."""
    import jax  # seconds

    try:
        return jax.default_backend() == "cpu" and "amx_bf16" in _FACTS.read_text()
    except OSError:
        return False
