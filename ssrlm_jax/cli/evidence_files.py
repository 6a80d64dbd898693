"""Reactivities and constraints of `ssrlm fold`: flags, and which record has which."""

import argparse
import pathlib
from collections.abc import Mapping

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.cli import reports
from ssrlm_jax.external import evidence, reactivity_fit, sequences
from ssrlm_jax.infer import given_evidence
from ssrlm_jax.rna import (
    constraint_formats,
    constraints,
    formats,
    reactivities,
    reactivity_formats,
)

_DIGITS = 4  # of a reactivity in JSON
_DOUBTFUL = 0.5  # how far reactivities count, where it is said


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of evidence to a command."""
    defaults = config.EvidenceConfig()
    group = parser.add_argument_group("what is known besides the letters")
    group.add_argument(
        "--reactivities",
        type=pathlib.Path,
        metavar="FILE",
        help="of SHAPE, DMS ...: columns, a table, RNA Framework's XML or RDAT",
    )
    group.add_argument(
        "--normalise",
        choices=config.NORMALISATIONS,
        default=defaults.normalisation,
        help="divide by the mean of the 2 to 8 %% highest, or by the box-plot rule "
        f"(default: {defaults.normalisation})",
    )
    group.add_argument(
        "--reactivity-method",
        choices=config.REACTIVITY_METHODS,
        default=defaults.method,
        help=f"from reactivities to energies (default: {defaults.method})",
    )
    group.add_argument(
        "--column", default="", metavar="NAME", help="of a table, with reactivities"
    )
    group.add_argument(
        "--modifier", default="", metavar="NAME", help="of an RDAT file, such as 1M7"
    )
    group.add_argument(
        "--constraints",
        type=pathlib.Path,
        metavar="FILE",
        help="ViennaRNA's dot-bracket or commands, RNAstructure's .con, or pairs",
    )
    group.add_argument(
        "--max-span",
        type=int,
        default=0,
        metavar="N",
        help="nucleotides from one end of a pair to the other, at most",
    )


class Files:
    """The evidence that a command was given; `is_empty` where there is none."""

    def __init__(self, parsed: argparse.Namespace) -> None:
        """Reads the files.

        Raises:
          ValueError: a file that cannot be read, or a span below 1.
        """
        if parsed.max_span < 0:
            raise ValueError(f"--max-span={parsed.max_span} is < 0")
        self._settings = config.EvidenceConfig(
            method=parsed.reactivity_method, normalisation=parsed.normalise
        )
        self._max_span = parsed.max_span
        self._profiles: list[reactivities.Profile] = []
        self._blocks: list[constraint_formats.Block] = []
        if parsed.reactivities is not None:
            self._profiles = reactivity_formats.read(
                parsed.reactivities, column=parsed.column, modifier=parsed.modifier
            )
        if parsed.constraints is not None:
            self._blocks = constraint_formats.read(parsed.constraints)
        self._given = given_evidence.GivenEvidence(self._profiles, self._blocks)
        self._names = [
            str(path)
            for path in (parsed.reactivities, parsed.constraints)
            if path is not None
        ]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was given."""
        return not (self._profiles or self._blocks or self._max_span)

    def of(
        self, record: formats.Record, report: reports.Report
    ) -> evidence.Evidence | None:
        """Returns what is known of a record; says so where it is nothing, or doubtful.

        Raises:
          ValueError: what is known does not fit the record, or contradicts itself.
        """
        name, sequence = record.name, record.sequence
        profile, block = self._given.of(record)
        if (self._profiles or self._blocks) and profile is None and block is None:
            report.say(
                f"warning: {record.place}: {name}: nothing is known of it in "
                f"{' and '.join(self._names)}"
            )
        given: constraints.Constraints | None = None
        if block is not None:
            given = block.of(sequence, self._max_span)
        elif self._max_span:
            given = constraints.Constraints(sequence, (), self._max_span)
        value_L = None if profile is None else self._values(profile, record, report)
        if given is None and value_L is None:
            return None
        given_evidence.check_strands(record)
        known = evidence.Evidence(
            reactivity_L=value_L, constraints=given, settings=self._settings
        )
        known = reactivity_fit.weighed(sequences.read(1, sequence), known)
        if known.share is not None and known.share < _DOUBTFUL:
            report.say(
                f"warning: {record.place}: {name}: reactivities fit it hardly better "
                f"than in another order; they count by {known.share:.0%}"
            )
        return known

    def unused(self) -> list[str]:
        """Returns where there is evidence of RNA that did not come."""
        return self._given.unused()

    def _values(
        self,
        profile: reactivities.Profile,
        record: formats.Record,
        report: reports.Report,
    ) -> np.ndarray:
        value_L = profile.values(record.sequence)
        if short := profile.shortfall(record.sequence):
            report.say(f"warning: {profile.place}: {short}")
        value_L = reactivities.normalised(value_L, self._settings.normalisation)
        if doubt := reactivities.doubt(value_L):
            report.say(f"warning: {profile.place}: {doubt}; see --normalise")
        return value_L


def described(known: evidence.Evidence | None) -> Mapping[str, object]:
    """Returns what results say of evidence; nothing where there is none."""
    if known is None or known.reactivity_L is None:
        return {}
    values = np.asarray(known.reactivity_L, np.float64).round(_DIGITS)
    shown = [None if np.isnan(value) else value for value in values.tolist()]
    told: dict[str, object] = {"reactivities": shown}
    if known.share is not None:
        told["reactivity_share"] = round(known.share, 3)
    return told
