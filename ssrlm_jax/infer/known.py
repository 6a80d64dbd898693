"""What is known of sequences besides their letters, as people give it in Python."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ssrlm_jax import config
from ssrlm_jax.external import evidence, reactivity_fit
from ssrlm_jax.external import sequences as sequences_of
from ssrlm_jax.rna import constraints as constraint_sets
from ssrlm_jax.rna import reactivities as profiles
from ssrlm_jax.rna import strands

Evidence = evidence.Evidence
T = TypeVar("T")
NOTHING: tuple[Evidence | None, ...] = ()
_Text = str | constraint_sets.Constraints
Reactivities = Sequence[ArrayLike | None] | Mapping[str, ArrayLike | None] | None
Constraints = Sequence[_Text | None] | Mapping[str, _Text | None] | None


def of_each(
    sequences: Sequence[str] | Mapping[str, str],
    reactivities: Reactivities,
    constraints: Constraints,
    max_span: int = 0,
    settings: config.EvidenceConfig | None = None,
) -> Sequence[Evidence | None]:
    """Returns the evidence of each sequence; nothing where there is none at all.

    Args:
      sequences: in order, or by name.
      reactivities: in the order of the sequences, or by name.
      constraints: the same.
      max_span: see `constraints.Constraints`.
      settings: how reactivities are read; None: the defaults.

    Raises:
      ValueError: another number of them, an unknown name, or as `of`.
    """
    if reactivities is None and constraints is None and not max_span:
        return NOTHING
    values: Sequence[ArrayLike | None]
    texts: Sequence[_Text | None]
    values = _in_order(sequences, reactivities, "reactivities")
    texts = _in_order(sequences, constraints, "constraints")
    letters = letters_of(sequences)
    return [
        of(sequence, value, text, max_span, settings)
        for sequence, value, text in zip(letters, values, texts, strict=True)
    ]


def letters_of(sequences: Iterable[str] | Mapping[str, str]) -> Iterable[str]:
    """Returns sequences without their names.

    Raises:
      TypeError: it is one sequence, whose letters would be sequences.
    """
    if isinstance(sequences, str):
        raise TypeError(
            f"sequences={sequences[:20]!r} is one sequence; a list is expected: "
            "[sequence]"
        )
    return sequences.values() if isinstance(sequences, Mapping) else sequences


def of(
    sequence: str,
    reactivities: ArrayLike | None = None,
    constraints: _Text | None = None,
    max_span: int = 0,
    settings: config.EvidenceConfig | None = None,
) -> Evidence | None:
    """Returns what is known of a sequence; None: nothing.

    Args:
      sequence: letters of one strand.
      reactivities: a number for each nucleotide, nan where there is no data.
      constraints: a constraint string, or more than it can say.
      max_span: see `constraints.Constraints`.
      settings: how reactivities are read, and normalised; None: the defaults.

    Raises:
      ValueError: two strands; another length; an infinite reactivity, or no data at
        all; constraints that contradict each other.
    """
    if reactivities is None and constraints is None and not max_span:
        return None
    settings = settings or config.EvidenceConfig()
    if strands.split(sequence)[1]:
        raise ValueError(
            f"{sequence[:20]!r} has two strands; reactivities and constraints are read "
            "for one"
        )
    value_L = None
    if reactivities is not None:
        value_L = np.asarray(reactivities, np.float32)
        if value_L.ndim != 1 or np.isinf(value_L).any() or np.isnan(value_L).all():
            raise ValueError(
                "reactivities: a number for each nucleotide, nan where there is no "
                "data, is expected, and one that is a number at least"
            )
        value_L = profiles.normalised(value_L, settings.normalisation)
    if isinstance(constraints, str):
        constraints = constraint_sets.from_dot_bracket(
            constraints, sequence, max_span=max_span
        )
    elif constraints is None and max_span:
        constraints = constraint_sets.Constraints(sequence, (), max_span)
    found = Evidence(reactivity_L=value_L, constraints=constraints, settings=settings)
    found.check(len(sequence))
    return found


def noted(
    sequences: Iterable[str],
    given: Iterable[Evidence | None],
    held: dict[int, Evidence],
) -> Iterable[str]:
    """Returns sequences that are passed on one by one, while evidence is noted.

    Args:
      sequences: in their order.
      given: evidence of each; those that have none left have none.
      held: gets evidence by the place of its sequence, from 1, weighed.
    """
    if isinstance(sequences, str):
        return sequences  # is told by who reads it

    def passed() -> Iterator[str]:
        rest = itertools.chain(given, itertools.repeat(None))
        for number, (sequence, one) in enumerate(zip(sequences, rest, strict=False), 1):
            if one is not None:
                one.check(len(strands.joined(sequence)))
                held[number] = reactivity_fit.weighed(
                    sequences_of.read(number, sequence), one
                )
            yield sequence

    return passed()


def _in_order(
    sequences: Sequence[str] | Mapping[str, str],
    given: Sequence[T | None] | Mapping[str, T] | None,
    what: str,
) -> Sequence[T | None]:
    """Returns what is given for each sequence."""
    if given is None:
        return [None] * len(sequences)
    if isinstance(given, Mapping):
        if not isinstance(sequences, Mapping):
            raise ValueError(f"{what} by name need sequences by name")
        unknown = sorted(given.keys() - sequences.keys())
        if unknown:
            raise ValueError(f"{what} of {unknown[0]!r}, which is no sequence")
        return [given.get(name) for name in sequences]
    if isinstance(given, str) or len(given) != len(sequences):
        raise ValueError(
            f"{what} of each of {len(sequences)} sequences expected, in a list; None "
            f"where there are none"
        )
    return given
