"""Published models by name: what converts them, and under which terms they are."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ssrlm_jax import config, model_dir
from ssrlm_jax.convert import (
    aidorna,
    ernierna,
    llama,
    rhofold,
    rinalmo,
    rnafm,
    rules,
    sources,
)
from ssrlm_jax.rna import alphabet

Planner = Callable[[sources.Source], tuple[rules.Plan, sources.Source]]


class Family(NamedTuple):
    """A published model.

    Attributes:
      plan: what a checkpoint of it holds.
      licence: of its weights.
      citation: of its paper.
      decoding: rule that its authors' threshold of pairs goes with.
    """

    plan: Planner
    licence: str
    citation: str
    decoding: config.DecodingConfig = config.DecodingConfig()


FAMILIES = {
    "rinalmo": Family(
        rinalmo.plan,
        "CC-BY-4.0",
        "Penić et al. 2025, Nat. Commun. 16:5671",
        config.DecodingConfig(allow_sharp_loops=False, is_canonical_only=True),
    ),
    "rnafm": Family(rnafm.plan, "MIT", "Chen et al. 2022, arXiv:2204.00300"),
    "ernierna": Family(
        ernierna.plan,
        "MIT",
        "Yin et al. 2025, ERNIE-RNA, Nat. Commun. 16",
        config.DecodingConfig(is_canonical_only=True),
    ),
    "aidorna": Family(
        aidorna.plan,
        "GenBio AI Community License, non-commercial",
        "Zou et al. 2024, AIDO.RNA, bioRxiv 2024.11.28.625345",
    ),
    "rhofold": Family(
        rhofold.plan,
        "as stated where they are published (the code: Apache-2.0)",
        "Shen et al. 2024, Nat. Methods 21:2287",
    ),
    "ssrlm": Family(llama.plan, "as its author says", "the paper on SSR-LM"),
}


class Converted(NamedTuple):
    """What a conversion did.

    Attributes:
      description: of the model directory.
      num_tensors: of the checkpoint that were used.
      notes: what was left out, and why; what was taken for granted.
    """

    description: model_dir.Description
    num_tensors: int
    notes: list[str]


def convert(
    name: str,
    path: pathlib.Path,
    out: pathlib.Path,
    *,
    is_pickle_trusted: bool = False,
    threshold: float | None = None,
    letters: Sequence[str] | None = None,
    licence: str = "",
    versions: dict[str, str] | None = None,
) -> Converted:
    """Writes a published checkpoint as a model directory.

    Args:
      name: one of FAMILIES.
      path: of the checkpoint; see `sources.open_source`.
      out: the model directory; does not exist or is empty.
      is_pickle_trusted: see `sources.open_source`.
      threshold: of a pair's probability; None: the checkpoint's, or the published one.
      letters: "ssrlm" only; see `llama.plan`.
      licence: of the weights; "": that of the family.
      versions: of the programs that convert, for the record.

    Raises:
      ValueError: the checkpoint cannot be read or is not of the family, or `out` is
        taken. Nothing is written then.
    """
    model_dir.check_free(out)
    source = sources.open_source(path, is_pickle_trusted=is_pickle_trusted)
    family = FAMILIES[name]
    if name == "ssrlm":
        plan, source = llama.plan(source, letters)
    else:
        plan, source = family.plan(source)
    left_out = rules.check(plan, source)
    if threshold and not plan.head:
        raise ValueError(f"{path} has no head for pairs, which a threshold goes with")
    made: dict[str, object] = {
        "converted_from": path.name,
        "family": name,
        "licence": licence or plan.licence or family.licence,
        "citation": family.citation,
        "versions": versions or {},
    }
    if name == "ssrlm":
        made |= llama.origin(source)
    if plan.head and not threshold:
        made["decoding"] = dataclasses.asdict(family.decoding)
    description = model_dir.Description(
        architecture=plan.architecture,
        letters=alphabet.LETTERS,
        made=made,
        scores={},
        threshold=(threshold or plan.threshold) if plan.head else None,
        head=plan.head,
        folding=plan.folding,
        trained_length=plan.trained_length,
    )
    model_dir.save(out, description, rules.arrays(plan, source))
    num_left_out = sum(int(note.split()[0]) for note in left_out)
    notes = [*left_out, *source.notes, *plan.notes]
    return Converted(description, len(source.shapes) - num_left_out, notes)
