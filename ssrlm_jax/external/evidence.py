"""What is known of one RNA besides its letters, and how ViennaRNA is told.

Reactivities are soft constraints by the methods that ViennaRNA has, constraints are
hard ones, as `RNAfold --shape` and `RNAfold -C --enforceConstraint`. Source: Lorenz et
al. 2016, Bioinformatics 32(1) and Algorithms Mol. Biol. 11:8.
"""

import dataclasses
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.rna import constrained, likelihood, probabilities
from ssrlm_jax.rna import constraints as constraint_sets

if TYPE_CHECKING:
    import RNA

_MISSING = -1.0  # as ViennaRNA has it


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What is known of one RNA.

    Attributes:
      reactivity_L: float32, normalised, nan: no data; None: nothing was measured.
      constraints: what must hold; None: nothing.
      settings: of the way into energies and probabilities.
      said: of pairs, by the names of programs that give energies, where they have seen
        more than this RNA, such as an alignment.
      share: 0..1, how far reactivities count; None: not looked at, in full. See
        `external.reactivity_fit`.
    """

    reactivity_L: np.ndarray | None = None
    constraints: constraint_sets.Constraints | None = None
    settings: config.EvidenceConfig = config.EvidenceConfig()
    said: Mapping[str, probabilities.PairProbabilities] = dataclasses.field(
        default_factory=dict
    )
    share: float | None = None

    def check(self, length: int) -> None:
        """Raises a ValueError unless this is of a sequence of so many nucleotides."""
        lengths = {}
        if self.reactivity_L is not None:
            lengths["reactivities"] = len(self.reactivity_L)
        if self.constraints is not None:
            lengths["constraints"] = len(self.constraints.sequence)
        for what, found in lengths.items():
            if found != length:
                raise ValueError(
                    f"{what} of {found} nucleotides, the sequence has {length}"
                )

    def shifted(
        self,
        listed: probabilities.PairProbabilities,
        weight: float,
        *,
        is_forced: bool = True,
    ) -> probabilities.PairProbabilities:
        """Returns probabilities of pairs after all this was seen.

        Args:
          listed: of something that knows nothing of it.
          weight: of the reactivities; 1: as the curve of the settings says.
          is_forced: forced pairs become certain, also those that are not listed; else
            only what is ruled out goes.
        """
        if self.reactivity_L is not None and weight:
            knots = self.settings.knots or config.KNOTS
            ratios = self.settings.ratios or config.RATIOS
            ratio_L = likelihood.log_ratio(self.reactivity_L, knots, ratios)
            ratio_L = weight * self._share * ratio_L
            listed = likelihood.shifted(listed, ratio_L)
        if self.constraints is not None:
            apply = constrained.applied if is_forced else constrained.allowed
            listed = apply(listed, self.constraints)
        return listed

    def tell(
        self, library: ModuleType, compound: "RNA.fold_compound", options: int
    ) -> None:
        """Adds soft and hard constraints to a fold compound of ViennaRNA.

        Args:
          library: ViennaRNA.
          compound: of the sequence; its model has `max_span` already.
          options: of the library, whether it is folded as a whole or in windows.
        """
        if self.reactivity_L is not None:
            self._tell_reactivities(compound, options)
        if self.constraints is not None:
            _tell_constraints(library, compound, self.constraints)

    @property
    def max_span(self) -> int:
        """Nucleotides that a pair spans, at most; 0: any number."""
        return self.constraints.max_span if self.constraints is not None else 0

    @property
    def _share(self) -> float:
        """How far reactivities count."""
        return 1.0 if self.share is None else self.share

    def _tell_reactivities(self, compound: "RNA.fold_compound", options: int) -> None:
        # ViennaRNA drops values below 0; here they are data, as low as can be.
        value_L = np.maximum(np.asarray(self.reactivity_L, np.float64), 0.0)
        values = [_MISSING, *np.where(np.isnan(value_L), _MISSING, value_L).tolist()]
        one = self.settings
        if one.method == "deigan":
            slope, intercept = one.slope * self._share, one.intercept * self._share
            compound.sc_add_SHAPE_deigan(values, slope, intercept, options)
        else:
            compound.sc_add_SHAPE_zarringhalam(
                values, one.beta * self._share, one.missing, one.conversion, options
            )


def _tell_constraints(
    library: ModuleType,
    compound: "RNA.fold_compound",
    given: constraint_sets.Constraints,
) -> None:
    """Adds hard constraints; of pairs that cross, as many as do not."""
    everywhere = library.CONSTRAINT_CONTEXT_ALL_LOOPS
    enforced = everywhere | library.CONSTRAINT_CONTEXT_ENFORCE
    never = library.CONSTRAINT_CONTEXT_NONE | library.CONSTRAINT_CONTEXT_NO_REMOVE
    alone = given.must_pair.copy()
    nested = constrained.nested(given)
    for i, j in given.forced.tolist():
        alone[[i, j]] = False
        if (i, j) in nested:
            compound.hc_add_bp(i + 1, j + 1, enforced)
        else:  # they have each other, which no program without pseudoknots can say
            compound.hc_add_up(i + 1, everywhere)
            compound.hc_add_up(j + 1, everywhere)
    for i in np.flatnonzero(given.unpaired).tolist():
        compound.hc_add_up(i + 1, everywhere | library.CONSTRAINT_CONTEXT_ENFORCE)
    for i in np.flatnonzero(alone).tolist():
        compound.hc_add_bp_nonspecific(i + 1, int(given.direction[i]), enforced)
    for i, j in constrained.ruled_out(given).tolist():
        compound.hc_add_bp(i + 1, j + 1, never)
