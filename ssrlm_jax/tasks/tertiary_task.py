"""Atoms from embeddings: a network learns them from chains of known structure.

The encoder stays as it is and is not here: batches hold its embeddings. The losses are
those of tasks/tertiary_losses.py; their weights are settings.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from ssrlm_jax import config, types
from ssrlm_jax.metrics import coordinate_scores, superposition
from ssrlm_jax.models import applied, folding_inputs, folding_network, geometry, trunk
from ssrlm_jax.rna import atoms
from ssrlm_jax.tasks import tertiary_losses

FOLDING = "folding"


class Truth(Protocol):
    """A chain of known structure."""

    @property
    def xyz_LT3(self) -> np.ndarray: ...  # noqa: N802

    @property
    def is_atom_LT(self) -> np.ndarray: ...  # noqa: N802


# Yields an index in the validation chains and its batch, again at each call.
Validation = Callable[[], Iterator[tuple[int, types.Batch]]]


class Tertiary:
    """The task of predicting atoms: `train.loop` runs it."""

    # 20 M parameters are whole on every device; examples are spread.
    partition_rules = (("", PartitionSpec()),)

    def __init__(
        self,
        settings: config.FoldingConfig,
        weights: config.LossConfig,
        embedding_width: int,
        *,
        dtype: str = "float32",
        loaded: types.Params | None = None,
        validation: Validation | None = None,
        chains: Sequence[Truth] = (),
    ) -> None:
        """Makes the task.

        Args:
          settings: of the network.
          weights: of the losses.
          embedding_width: E.
          dtype: of the trunk's products.
          loaded: parameters to start from; None: random ones.
          validation: chains, one at a time; None: nothing is evaluated.
          chains: those that validate.
        """
        self._settings, self._weights = settings, weights
        self._embedding_width = embedding_width
        tables = dataclasses.asdict(atoms.geometry(settings.geometry))
        self.folder, self.groups = folding_network.build(settings, tables, dtype=dtype)
        self.loaded = loaded or {}
        self._validation, self._chains = validation, chains
        self._fold = jax.jit(self._folded)

    def init(
        self, rng: jax.Array, loaded: types.Params
    ) -> tuple[types.Params, types.Params]:
        """Returns learned parameters; none are frozen."""
        if loaded:
            return jax.tree.map(jnp.asarray, loaded), {}
        params = folding_network.init(
            self.folder, self._embedding_width, self.groups, rng
        )
        return {FOLDING: params}, {}

    def loss(
        self,
        learned: types.Params,
        frozen: types.Params,
        batch: types.Batch,
        rng: jax.Array,
    ) -> tuple[types.Sums, types.Scalars]:
        """Returns the weighted sum of all losses, and each of them.

        The number of cycles is drawn for each update; the gradient is of the last.
        """
        del frozen
        inputs = _inputs(batch)
        draw, drop = jax.random.split(rng)
        num_cycles = jax.random.randint(draw, (), 1, self._settings.num_cycles + 1)
        params = learned[FOLDING]
        state = folding_network.before_last(
            self.folder, params, inputs, self.groups, num_cycles
        )
        folded, _ = applied.apply(
            self.folder.clone(is_training=True),
            params,
            *(inputs, state, self.groups),
            rngs={"dropout": drop},
        )
        return self.sums(folded, batch), {"cycles": num_cycles.astype(jnp.float32)}

    def sums(self, folded: folding_network.Folded, batch: types.Batch) -> types.Sums:
        """Returns (sum, count) of each loss over examples; "loss" is weighted."""
        found = self.losses(folded, batch)
        is_known_B = batch["is_atom"].any((1, 2))
        count = is_known_B.sum(dtype=jnp.float32)
        sums = {
            name: (jnp.where(is_known_B, value_B, 0.0).sum(), count)
            for name, value_B in found.items()
        }
        total = sum(getattr(self._weights, name) * sums[name][0] for name in found)
        return {"loss": (jnp.asarray(total), count)} | sums

    def losses(
        self, folded: folding_network.Folded, batch: types.Batch
    ) -> dict[str, jax.Array]:
        """Returns each loss that has a weight, (B,), by its name in the settings."""
        kind_BL = jnp.minimum(batch["kind"], 3)
        structure, weights = folded.structure, self._weights
        # OP1 and OP2 are alike: the true ones are named as the prediction has them.
        true_BLT3, is_BLT = tertiary_losses.renamed(
            folded.xyz_BLT3, batch["xyz"], batch["is_atom"]
        )
        is_torsion_BLK = _has(is_BLT, kind_BL, self.groups.torsion_VK4)
        true_BLK2 = geometry.torsions_of(true_BLT3, kind_BL, self.groups)
        anchor = atoms.C1_PRIME
        is_anchor_BL = is_BLT[:, :, anchor]
        lddt_BL = tertiary_losses.lddt(
            folded.xyz_BLT3[:, :, anchor], true_BLT3[:, :, anchor], is_anchor_BL
        )
        found = self._frame_losses(folded, batch, true_BLT3, is_BLT) | {
            "local": tertiary_losses.local_error(folded.xyz_BLT3, true_BLT3, is_BLT),
            "torsions": tertiary_losses.torsion_error(
                structure.torsion_BLK2, true_BLK2, is_torsion_BLK
            ),
            "torsion_norms": tertiary_losses.torsion_norm_error(
                structure.raw_BLK2, batch["is"]
            ),
            "distances": tertiary_losses.distance_error(
                folded.distance_B3LMN, true_BLT3, is_BLT
            ),
            "pairs": tertiary_losses.pair_error(
                folded.pair_BLM, batch["pair"], is_anchor_BL
            ),
            "confidence": tertiary_losses.confidence_error(
                folded.confidence_BLN, lddt_BL, is_anchor_BL
            ),
        }
        if weights.bonds:
            found["bonds"] = tertiary_losses.bond_error(
                folded.xyz_BLT3, batch["index"], batch["is"]
            )
        if weights.clashes:
            has_BLT = self.groups.is_atom_VT[kind_BL] & batch["is"][..., None]
            found["clashes"] = tertiary_losses.clash_error(
                folded.xyz_BLT3, _radii(kind_BL), batch["index"], has_BLT
            )
        return found

    def _frame_losses(
        self,
        folded: folding_network.Folded,
        batch: types.Batch,
        true_BLT3: jax.Array,
        is_BLT: jax.Array,
    ) -> dict[str, jax.Array]:
        """Returns errors of points seen from frames: origins by layer, then atoms."""
        kind_BL = jnp.minimum(batch["kind"], 3)
        true = geometry.frames_of(true_BLT3, kind_BL, self.groups)
        is_frame_BL = _has(is_BLT, kind_BL, self.groups.frame_V3)
        limit_B = jnp.where(batch["is_clamped"], self._weights.clamp, jnp.inf)
        frames = folded.structure.frames  # (B, layers, L)
        per_layer = jax.vmap(
            lambda turn, origin: tertiary_losses.frame_error(
                geometry.Frames(turn, origin),
                origin,
                true,
                true.origin_3,
                is_frame_BL,
                is_frame_BL,
                limit_B,
            ),
            in_axes=1,
        )
        B = len(kind_BL)
        points = (x.reshape(B, -1, 3) for x in (folded.xyz_BLT3, true_BLT3))
        found_BN3, true_BN3 = points
        return {
            "backbone": per_layer(frames.turn_33, frames.origin_3).mean(0),
            "atoms": tertiary_losses.frame_error(
                jax.tree.map(lambda x: x[:, -1], frames),
                found_BN3,
                true,
                true_BN3,
                is_frame_BL,
                is_BLT.reshape(B, -1),
                limit_B,
            ),
        }

    def evaluate(self, learned: types.Params, frozen: types.Params) -> dict[str, float]:
        """Returns means over the validation chains, folded whole.

        `lddt` is of all atoms, pooled, as in CASP15; `lddt_c1` of C1', the mean over
        nucleotides, as RhoFold has it; `rmsd` of all atoms, angstrom; `plddt_error`
        the mean distance of the confidence from `lddt_c1`; `loss` as in training.
        """
        del frozen
        if self._validation is None:
            return {}
        rows = []
        for index, batch in self._validation():
            chain = self._chains[index]
            xyz_BLT3, plddt_BL, sums = self._fold(learned[FOLDING], batch)
            n = len(chain.is_atom_LT)
            found_LT3 = np.asarray(xyz_BLT3)[0, :n]
            is_found_LT = atoms.is_atom()[np.minimum(batch["kind"][0, :n], 3)]
            truth = found_LT3, is_found_LT, chain.xyz_LT3, chain.is_atom_LT
            c1 = coordinate_scores.lddt_c1(*truth)
            rows.append(
                {
                    "loss": float(sums["loss"][0] / sums["loss"][1]),
                    "lddt": coordinate_scores.lddt_all_atom(*truth).score,
                    "lddt_c1": c1.score,
                    "rmsd": superposition.rmsd(*truth),
                    "plddt_error": np.nanmean(
                        np.abs(np.asarray(plddt_BL)[0, :n] - c1.score_L)
                    ),
                }
            )
        return {
            name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]
        }

    def cost(self, batch: types.Batch) -> types.Cost:
        """Returns nucleotides and FLOPs of a batch of this process."""
        B, L = np.asarray(batch["kind"]).shape
        length_B = np.asarray(batch["is"]).sum(1)
        # The last cycle forward twice (once again for its gradient) and backward, and
        # on average half of the others forward.
        times = 4.0 + (self._settings.num_cycles - 1) / 2
        of = functools.partial(trunk.flops, self._settings)
        return types.Cost(
            tokens=int(length_B.sum()),
            flops=times * B * of(L),
            exact_flops=times * sum(of(int(n)) for n in length_B),
        )

    def _folded(
        self, params: types.Params, batch: types.Batch
    ) -> tuple[jax.Array, jax.Array, types.Sums]:
        s = self._settings
        folded = folding_network.fold(
            self.folder, params, _inputs(batch), self.groups, s.num_cycles, s.tolerance
        ).folded
        return folded.xyz_BLT3, folded.plddt(), self.sums(folded, batch)


def _inputs(batch: types.Batch) -> folding_inputs.Inputs:
    return folding_inputs.Inputs(
        batch["embedding"], batch["kind"], batch["index"], batch["is"]
    )


def _has(is_BLT: jax.Array, kind_BL: jax.Array, slots: jax.Array) -> jax.Array:
    """Returns whether all atoms of the last axis of `slots` are known."""
    slot_BLN = slots[kind_BL]
    flat = slot_BLN.reshape(*kind_BL.shape, -1)
    is_BLN = jnp.take_along_axis(is_BLT, flat, axis=-1)
    return is_BLN.reshape(slot_BLN.shape).all(-1)


def _radii(kind_BL: jax.Array) -> jax.Array:
    """Returns radii of van der Waals, angstrom, (B, L, T)."""
    element_VT = atoms.elements()
    radius_VT = np.vectorize(lambda e: atoms.RADII.get(e, 0.0))(element_VT)
    return jnp.asarray(radius_VT, jnp.float32)[kind_BL]
