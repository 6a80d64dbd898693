"""Settings of folding with reactivities and of how a model weighs them."""

import dataclasses
import math

from ssrlm_jax.config import checks

REACTIVITY_METHODS = ("deigan", "zarringhalam")
NORMALISATIONS = ("none", "2-8", "boxplot")
# Of three 16S and a 23S rRNA of the Weeks lab's set (7,124 nucleotides, SHAPE), by
# `benchmarks/evidence.py --fit`: for what brings no curve of its own.
KNOTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0)
RATIOS = (-1.6, -1.28, -0.8, -0.17, 0.25, 0.64, 1.42, 1.75, 2.08)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvidenceConfig:
    """How reactivities are read; external/evidence.py.

    The curve is the logarithm of how much more often unpaired than paired nucleotides
    have a reactivity: `ratios` at `knots`, linear between them. Where there is none
    here, it is the model's (infer/reactivity_curve.py), and KNOTS and RATIOS where the
    model has none.
    """

    method: str = "deigan"  # into energies: Deigan 2009, Zarringhalam 2012
    slope: float = 1.8  # kcal/mol; Hajdin et al. 2013, PNAS 110(14), as RNAfold
    intercept: float = -0.6  # kcal/mol; the same
    beta: float = 0.89  # kcal/mol, of zarringhalam, as RNAfold
    missing: float = 0.5  # of zarringhalam, chance to be unpaired without data
    conversion: str = "O"  # of zarringhalam, reactivity to chance; see RNAfold
    normalisation: str = "none"
    # How far reactivities count is seen from so many other orders of their values; 0:
    # they count in full, as in RNA of more nucleotides. external/reactivity_fit.py.
    orders: int = 8
    longest_weighed: int = 450
    # Weight of the curve beside a model's own probabilities: of a model that reads no
    # energies, and of one whose energies have seen the reactivities; chosen on 60 RNAs
    # of held-out families with simulated ones, docs/evidence.md.
    trust: float = 1.0
    trust_beside_energies: float = 0.3
    knots: tuple[float, ...] = ()
    ratios: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        checks.choice("evidence.method", self.method, REACTIVITY_METHODS)
        checks.choice("evidence.normalisation", self.normalisation, NORMALISATIONS)
        checks.check(
            self.orders != 1, "evidence.orders", self.orders, "is 1; 0 or more"
        )
        for name in (
            "orders",
            "longest_weighed",
            "beta",
            "trust",
            "trust_beside_energies",
        ):
            checks.finite(f"evidence.{name}", getattr(self, name))
        checks.share("evidence.missing", self.missing)
        checks.check(
            len(self.knots) == len(self.ratios) != 1
            and list(self.knots) == sorted(set(self.knots)),
            "evidence.knots",
            self.knots,
            f"are not {len(self.ratios)} ascending numbers, as evidence.ratios has",
        )
        checks.check(
            all(map(math.isfinite, (*self.knots, *self.ratios))),
            "evidence.ratios",
            self.ratios,
            "or the knots are not finite",
        )
