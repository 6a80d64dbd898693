"""One structure for aligned RNA: each member is folded, and columns are averaged."""

from typing import TYPE_CHECKING, NamedTuple

from ssrlm_jax.infer import prediction
from ssrlm_jax.rna import alignments, probabilities, structures

if TYPE_CHECKING:
    from ssrlm_jax.infer import predictors


class Consensus(NamedTuple):
    """What a model says of an alignment.

    Attributes:
      structure: pairs of columns.
      probabilities: of pairs of columns, the mean over the members.
      members: what it says of each member, with the structure of the columns.
      alone: structures of the members without the others.
    """

    structure: structures.Structure
    probabilities: probabilities.PairProbabilities
    members: list[prediction.Prediction]
    alone: list[structures.Structure]


def fold(
    predictor: "predictors.Predictor", alignment: alignments.Alignment
) -> Consensus:
    """Folds the members, averages their probabilities and decodes the columns.

    Raises:
      ValueError: as `Predictor.predict`.
    """
    alone = list(predictor.predict(alignment.sequences))
    listed = alignment.averaged([one.probabilities for one in alone])
    columns = predictor.decode(listed, alignment.letters)
    members = [
        prediction.Prediction(
            one.sequence,
            alignment.projected(columns, number),
            one.probabilities,
            alignment.names[number],
        )
        for number, one in enumerate(alone)
    ]
    return Consensus(columns, listed, members, [one.structure for one in alone])
