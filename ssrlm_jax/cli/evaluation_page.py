"""The page of `ssrlm evaluate --report`: what it is made of."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from ssrlm_jax import config
from ssrlm_jax.infer import pair_evaluation
from ssrlm_jax.metrics import score_report
from ssrlm_jax.pages import evaluation_report, rna_views
from ssrlm_jax.rna import formats, structures

FILE = "report.html"


def worst(
    truth: Sequence[formats.Record],
    matched: pair_evaluation.Matched,
    scored: Sequence[score_report.Scored],
    decoding: config.DecodingConfig,
) -> dict[int, rna_views.View]:
    """Returns the views of the predictions with the lowest F1, by their place.

    Of those with the same F1 the ones with more known pairs come first.
    """
    f1_N = score_report.f1(scored)
    known_N = np.array([one.counts[score_report.STRICT].known for one in scored])
    views = {}
    for place in np.lexsort((-known_N, f1_N))[: evaluation_report.NUM_WORST].tolist():
        record, found = truth[place], matched.found[place]
        predicted = structures.Structure(len(record.sequence), np.empty((0, 2)))
        if found is not None:
            predicted = pair_evaluation.structure_of(found, record.sequence, decoding)
        listed = found.listed if found is not None else None
        views[place] = rna_views.compared(record, predicted, listed)
    return views


def write(
    out: pathlib.Path,
    settings: config.EvaluateConfig,
    num_rnas: int,
    methods: Sequence[evaluation_report.Method],
) -> None:
    """Writes OUT/report.html."""
    facts = {"known structures": settings.truth, "RNAs": f"{num_rnas:,}"}
    if settings.train:
        facts["identity with"] = settings.train
    evaluation_report.write(out / FILE, facts, methods)


def told(problems: Mapping[str, Sequence[str]], notes: Sequence[str]) -> list[str]:
    """Returns problems and notes as lines, of each kind the first few."""
    lines = list(notes)
    for kind, names in problems.items():
        more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
        lines.append(f"{kind}: {', '.join(names[:5])}{more}")
    return lines
