"""A Flax module as a pure function of its parameters."""

from typing import Any

import flax.linen as nn

from ssrlm_jax import types


def apply(
    module: nn.Module, params: types.Params, *inputs: object, **options: Any
) -> Any:
    """Returns what a module makes of its inputs; its caller knows of what type.

    `Module.apply` says that variables may come back, too: none of ours change.

    Args:
      module: without parameters of its own.
      params: those that its `init` makes, under "params".
      *inputs: of the method that is called.
      **options: `method`, the name of another than `__call__`; `rngs`; keywords of
        the method.
    """
    return module.apply({"params": params}, *inputs, **options)
