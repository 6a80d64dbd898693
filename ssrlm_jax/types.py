"""Types and token ids that several folders share; imports nothing of ours.

A task and the loop, a model and what calls it, need not import each other for them.
"""

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import jax  # seconds, which not everybody can wait

# Ids of tokens; rna/alphabet.py says how they are written.
TOKENS = range(9)
PAD, CLS, EOS, MASK, A, C, G, U, N = TOKENS

Params = Any  # a tree of arrays
Json = dict[str, Any]  # an object as `json` reads it; who reads it knows its fields
Batch = dict[str, Any]  # arrays by name, NumPy on the host; the first axis is B
Sums: TypeAlias = "dict[str, tuple[jax.Array, jax.Array]]"  # name: (sum, count)
Scalars: TypeAlias = "dict[str, jax.Array]"


class Cost(NamedTuple):
    """What one process's batch costs in training.

    Attributes:
      tokens: those that are not padding.
      flops: forward and backward, padding included; of an encoder 6 N + 12 L D T.
      exact_flops: without padding; attention counted within records.
    """

    tokens: float
    flops: float
    exact_flops: float
