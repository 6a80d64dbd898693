"""`ssrlm fold3d`: atoms of one's own RNA.

Files in a directory, or one structure on standard output; one order out as in.
"""

import argparse
import contextlib
import importlib.metadata
import pathlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ssrlm_jax import types
from ssrlm_jax.cli import fold, models, reports
from ssrlm_jax.external import amber
from ssrlm_jax.infer import inputs, results, results3d
from ssrlm_jax.metrics import stereochemistry
from ssrlm_jax.rna import formats

if TYPE_CHECKING:
    from ssrlm_jax.infer import atom_predictor
    from ssrlm_jax.pages import atom_report


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `ssrlm fold3d`."""
    fold.add_input(parser)
    models.add_argument(parser)
    parser.add_argument(
        "-o",
        "--out",
        type=pathlib.Path,
        metavar="DIR",
        help="directory of results (default: the structure on standard output)",
    )
    parser.add_argument(
        "--format",
        default="pdb",
        help=f"one or more of {','.join(results3d.FORMATS)} (default: pdb)",
    )
    parser.add_argument(
        "--cycles", type=int, metavar="N", help="at most (default: the model's own)"
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=1,
        metavar="N",
        help="structures of each RNA, the first without noise on its embedding",
    )
    parser.add_argument(
        "--relax",
        action="store_true",
        help="repair bonds and overlaps in a force field; needs the extra [relax]",
    )
    parser.add_argument(
        "--relax-limit",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="of the relaxation of one structure (default: 300)",
    )
    parser.add_argument("--plot", action="store_true", help="draw pictures, too")
    parser.add_argument(
        "--report",
        action="store_true",
        help="write report.html, too: atoms, confidence and pairs in a browser, "
        "without a network",
    )
    parser.add_argument("--force", action="store_true", help="replace earlier results")
    parser.set_defaults(run=_fold3d)


def _fold3d(parsed: argparse.Namespace) -> int:
    names = results.named_formats(parsed.format, results3d.FORMATS)
    for name in ("cycles", "samples"):
        if getattr(parsed, name) is not None and getattr(parsed, name) < 1:
            raise ValueError(f"--{name}={getattr(parsed, name)} is < 1")
    if parsed.out is None and (len(names) > 1 or parsed.samples > 1):
        raise ValueError("several structures of an RNA need a directory: give -o DIR")
    for name in ("plot", "report"):
        if parsed.out is None and getattr(parsed, name):
            raise ValueError(f"--{name} needs a directory: give -o DIR")
    if parsed.relax_limit <= 0:
        raise ValueError(f"--relax-limit={parsed.relax_limit:g} is <= 0")
    if parsed.relax:
        amber.check_installed()
    directory = models.chosen(parsed)
    writer = None
    if parsed.out is not None:
        writer = results3d.Models(
            parsed.out, names, with_plots=parsed.plot, is_replaced=parsed.force
        )
    records = fold.opened(parsed)
    if writer is None:
        records = _alone(records)
    from ssrlm_jax.infer import atom_predictor  # JAX: seconds

    models.keep_compiled()
    model = atom_predictor.load(directory, parsed.cycles)
    origin = _origin(model, directory)
    with (
        reports.Report("fold3d", "folded", is_output_shown=writer is None) as report,
        _page(parsed, origin) as page,
    ):
        for record in fold.usable(records, report, model.trained_length, None):
            try:
                for sample in range(parsed.samples):
                    made = model.fold(record.sequence, seed=sample or None)
                    relaxed = None
                    name = (
                        f"{record.name}_sample{sample + 1}" if sample else record.name
                    )
                    if parsed.relax:
                        made, relaxed = _relaxed(made, parsed.relax_limit)
                        if relaxed["worse"]:
                            report.say(_said_worse(name, relaxed))
                    if writer is None:
                        text = results3d.as_text(name, made, names[0], origin)
                        reports.write(text)
                    else:
                        writer.add(name, made, origin, relaxed)
                    if page is not None:
                        page.add(name, made, origin)
            except (ValueError, ArithmeticError, MemoryError) as error:
                report.problem(f"{record.place}: {record.name}: {error}")
            else:
                report.advance()
    return report.status


def _page(
    parsed: argparse.Namespace, origin: results3d.Origin
) -> "contextlib.AbstractContextManager[atom_report.AtomReport | None]":
    """Returns the page that structures are shown on, if it is asked for."""
    if not parsed.report:
        return contextlib.nullcontext()
    from ssrlm_jax.pages import atom_report  # few ask for it

    return atom_report.AtomReport(parsed.out, origin.about)


def _alone(
    records: Iterable[inputs.Read],
) -> Iterator[inputs.Read]:
    """Returns an input, read to its end, of which one record at most can be used.

    Raises:
      ValueError: there are several, whose files would read as one broken structure.
    """
    held = []
    for record in records:
        held.append(record)
        if sum(isinstance(one, formats.Record) for one in held) > 1:
            raise ValueError(
                "standard output takes the structure of one RNA, several were found: "
                "give -o DIR"
            )
    return iter(held)


def _relaxed(
    made: "atom_predictor.Prediction", limit_s: float
) -> tuple["atom_predictor.Prediction", types.Json]:
    """Returns the prediction after relaxation, and what the summary says of it.

    Bonds between nucleotides are among `bond_outliers`, and `worse` names what there
    is more of than before.
    """
    before = stereochemistry.violations(made.letters, made.xyz_LT3, made.is_atom_LT)
    found = amber.relax(results3d.chain(made), limit_s=limit_s)
    made = made._replace(xyz_LT3=found.chain.xyz_LT3)
    after = stereochemistry.violations(made.letters, made.xyz_LT3, made.is_atom_LT)
    numbers = {
        f"{name}_{when}": getattr(one, name)
        for name in before._fields
        for when, one in (("before", before), ("after", after))
    }
    return made, {
        "energy_before_kj_per_mol": round(found.energy_before, 1),
        "energy_after_kj_per_mol": round(found.energy_after, 1),
        **numbers,
        "worse": [n for n in before._fields if getattr(after, n) > getattr(before, n)],
        "moved_angstrom": round(found.rmsd, 3),
        "is_converged": found.is_converged,
        "seconds": round(found.seconds, 1),
    }


def _said_worse(name: str, relaxed: types.Json) -> str:
    changes = ", ".join(
        f"{what.replace('_', ' ')} from {relaxed[f'{what}_before']} to "
        f"{relaxed[f'{what}_after']}"
        for what in relaxed["worse"]
    )
    return f"{name}: relaxation made it worse: {changes}; the fold does not hold"


def _origin(
    model: "atom_predictor.AtomPredictor", directory: pathlib.Path
) -> results3d.Origin:
    made = model.description.made
    about = {
        "model": directory.resolve().name,
        "training data until": made.get("data_until") or "unknown",
    }
    about |= {n: str(made[n]) for n in ("licence", "citation") if made.get(n)}
    software = {n: importlib.metadata.version(n) for n in ("ssrlm-jax", "jax")}
    return results3d.Origin(software, about)
