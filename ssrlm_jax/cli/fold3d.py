"""`ssrlm fold3d`: atoms of one's own RNA.

Files in a directory, or one structure on standard output; one order out as in.
"""

import argparse
import importlib.metadata
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from ssrlm_jax.cli import fold, models, reports
from ssrlm_jax.infer import results3d

if TYPE_CHECKING:
    from ssrlm_jax.infer import folder as folders


def add(commands: Any) -> None:
    """Adds `fold3d` to the subparsers of `ssrlm`."""
    parser = commands.add_parser("fold3d", help="predict atoms of your own RNA")
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
    parser.add_argument("--force", action="store_true", help="replace earlier results")
    parser.set_defaults(run=_fold3d)


@reports.ends_quietly
def _fold3d(parsed: argparse.Namespace) -> int:
    names = results3d.named_formats(parsed.format)
    for name in ("cycles", "samples"):
        if getattr(parsed, name) is not None and getattr(parsed, name) < 1:
            raise ValueError(f"--{name}={getattr(parsed, name)} is < 1")
    if parsed.out is None and (len(names) > 1 or parsed.samples > 1):
        raise ValueError("several structures of an RNA need a directory: give -o DIR")
    directory = models.chosen(parsed)
    writer = None
    if parsed.out is not None:
        writer = results3d.Models(parsed.out, names, is_replaced=parsed.force)
    records = fold.opened(parsed)
    from ssrlm_jax.infer import folder as folders  # JAX: seconds

    model = folders.load(directory, parsed.cycles)
    origin = _origin(model, directory)
    with reports.Report("fold3d", "folded", is_output_shown=writer is None) as report:
        for record in fold.usable(records, report, model.trained_length, None):
            try:
                for sample in range(parsed.samples):
                    made = model.fold(record.sequence, seed=sample or None)
                    name = (
                        f"{record.name}_sample{sample + 1}" if sample else record.name
                    )
                    if writer is None:
                        text = results3d.as_text(name, made, names[0], origin)
                        sys.stdout.write(text)
                        sys.stdout.flush()
                    else:
                        writer.add(name, made, origin)
            except (ValueError, MemoryError) as error:
                report.problem(f"{record.place}: {record.name}: {error}")
            else:
                report.advance()
    return report.status


def _origin(model: "folders.Folder", directory: pathlib.Path) -> results3d.Origin:
    made = model.description.made
    about = {
        "model": directory.name,
        "training data until": made.get("data_until") or "unknown",
    }
    about |= {n: str(made[n]) for n in ("licence", "citation") if made.get(n)}
    software = {n: importlib.metadata.version(n) for n in ("ssrlm-jax", "jax")}
    return results3d.Origin(software, about)
