"""Names and shapes of a model's parameters, found without making any."""

import functools
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from ssrlm_jax.models import encoders, heads

if TYPE_CHECKING:
    from ssrlm_jax.models import folding_network, geometry

Shapes = dict[str, tuple[int, ...]]


def of(
    encoder: encoders.Encoder,
    head: heads.Head | None = None,
    folder: "folding_network.Folder | None" = None,
    groups: "geometry.Groups | None" = None,
) -> Shapes:
    """Returns paths, "encoder/...", "pair_head/..." and "folding/...", and shapes.

    Args:
      encoder: of the model.
      head: of pairs, if it has one.
      folder: of atoms, if it has one.
      groups: of the folder's geometry.
    """
    key, token_BL = jax.random.key(0), jax.ShapeDtypeStruct((1, 8), jnp.uint8)
    tree = {"encoder": jax.eval_shape(encoder.init, key, token_BL, token_BL)["params"]}
    if head is not None:
        fresh = functools.partial(heads.fresh, head, encoder.width)
        tree["pair_head"] = jax.eval_shape(fresh, key)
    if folder is not None and groups is not None:
        from ssrlm_jax.models import (
            folding_network,  # ten files, and few models have it
        )

        fresh = functools.partial(folding_network.init, folder, encoder.width, groups)
        tree["folding"] = jax.eval_shape(fresh, key)
    return of_tree(tree)


def check(
    params: object, encoder: encoders.Encoder, head: heads.Head | None = None
) -> None:
    """Raises a ValueError unless names and shapes of parameters are those of a model.

    Args:
      params: {"encoder": ...}, and "pair_head" if there is a head.
      encoder: of the model.
      head: of pairs, if it has one.
    """
    found_shapes, expected = of_tree(params), of(encoder, head)
    for name in sorted(found_shapes.keys() | expected.keys()):
        found, wanted = found_shapes.get(name), expected.get(name)
        if found != wanted:
            raise ValueError(
                f"the weights do not fit the model: {name} is {found or 'absent'}, "
                f"{wanted or 'no such parameter'} expected; export the model again"
            )


def of_tree(tree: object) -> Shapes:
    """Returns paths and shapes of a tree of arrays."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape
        for path, leaf in jax.tree.leaves_with_path(tree)
    }
