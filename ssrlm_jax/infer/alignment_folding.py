"""One structure for aligned RNA: each member is folded, and columns are averaged.

A model that reads ViennaRNA's energies gets those of the alignment for each member:
RNAalifold's, which count what changes together in two columns.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ssrlm_jax.external import energies
from ssrlm_jax.infer import known, prediction
from ssrlm_jax.rna import alignments, probabilities, structures

if TYPE_CHECKING:
    from ssrlm_jax.infer import predictors


class Consensus(NamedTuple):
    """What a model says of an alignment.

    Attributes:
      structure: pairs of columns.
      probabilities: of pairs of columns, the mean over the members.
      members: what it says of each member, with the structure of the columns.
    """

    structure: structures.Structure
    probabilities: probabilities.PairProbabilities
    members: list[prediction.Prediction]


def fold(
    predictor: "predictors.Predictor", alignment: alignments.Alignment
) -> Consensus:
    """Folds the members, averages their probabilities and decodes the columns.

    Raises:
      ValueError: as `Predictor.predict`.
    """
    told = _evidence(predictor.energies, alignment)
    folded = list(predictor.predict(alignment.sequences, told))
    listed = alignment.averaged([one.probabilities for one in folded])
    columns = predictor.decode(listed, alignment.letters)
    members = [
        prediction.Prediction(
            one.sequence,
            alignment.projected(columns, number),
            one.probabilities,
            alignment.names[number],
        )
        for number, one in enumerate(folded)
    ]
    return Consensus(columns, listed, members)


def _evidence(
    source: energies.Energies | None, alignment: alignments.Alignment
) -> Iterator[known.Evidence]:
    """Yields what columns say of each member; nothing where no energies are read."""
    if source is None:
        return
    said = source.aligned(alignment.rows)
    for member in range(len(alignment.rows)):
        of_member = {
            name: alignment.of_member(listed, member) for name, listed in said.items()
        }
        yield known.Evidence(said=of_member)
