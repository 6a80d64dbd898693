"""`ssrlm convert`: weights of published models to a model directory, and back."""

import argparse
import importlib.metadata
import pathlib
import sys
import warnings
from typing import TYPE_CHECKING

import rich.console

from ssrlm_jax import files, model_dir

if TYPE_CHECKING:
    from ssrlm_jax.convert import families

    pass

NAMES = ("rinalmo", "rnafm", "ernierna", "aidorna", "rhofold", "ssrlm")
CACHE = "~/.cache/ssrlm-jax/weights"
_PROGRAMS = ("ssrlm-jax", "jax", "numpy", "safetensors")


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `ssrlm convert`."""
    parser.add_argument(
        "family",
        choices=NAMES,
        metavar="FAMILY",
        help=f"one of {', '.join(NAMES)}",
    )
    parser.add_argument(
        "source",
        nargs="?",
        type=pathlib.Path,
        metavar="FILE",
        help="PyTorch or safetensors file, or a directory as Hugging Face stores it",
    )
    parser.add_argument(
        "out",
        nargs="?",
        type=pathlib.Path,
        metavar="OUT",
        help="new model directory (default with --download: FAMILY)",
    )
    parser.add_argument(
        "--download",
        action="store_true",
        help="fetch the file from where it was published; then FILE is left out",
    )
    parser.add_argument(
        "--name",
        metavar="NAME",
        help="--download: a file of the publisher, a size of aidorna, or "
        "OWNER/REPOSITORY on Hugging Face",
    )
    parser.add_argument(
        "--to",
        choices=("ssrlm", "torch"),
        default="ssrlm",
        help="torch: FILE is a model directory of this package, OUT one of "
        "transformers (SSR-LM's encoders only)",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="X",
        help="least probability of a pair, where the file has a head without one",
    )
    parser.add_argument(
        "--letters",
        metavar="A,B,...",
        help="ssrlm: letters of the tokens by id, where no config.json names them",
    )
    parser.add_argument(
        "--trust-pickle",
        action="store_true",
        help="open files that hold Python objects beside tensors; they can run code",
    )
    parser.set_defaults(run=_convert)


def _convert(parsed: argparse.Namespace) -> None:
    if parsed.threshold is not None and not 0 < parsed.threshold < 1:
        raise ValueError(f"--threshold={parsed.threshold} is not above 0 and below 1")
    if parsed.letters and parsed.family != "ssrlm":
        raise ValueError("--letters goes with ssrlm only: others have their own")
    if parsed.name and not parsed.download:
        raise ValueError("--name goes with --download only")
    others = (parsed.threshold, parsed.trust_pickle, parsed.letters)
    if parsed.to == "torch" and any(others):
        raise ValueError(
            "--threshold, --trust-pickle and --letters do not go with --to torch"
        )
    source, out, licence = _places(parsed)
    if parsed.to == "torch":
        _to_torch(parsed.family, source, out)
        return
    from ssrlm_jax.convert import families  # JAX: seconds

    with warnings.catch_warnings():  # shown at once: the code of a pickle runs next
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _warn
        done = families.convert(
            parsed.family,
            source,
            out,
            is_pickle_trusted=parsed.trust_pickle,
            threshold=parsed.threshold,
            letters=parsed.letters.split(",") if parsed.letters else None,
            licence=licence,
            versions={name: importlib.metadata.version(name) for name in _PROGRAMS},
        )
    for note in done.notes:
        print(f"ssrlm convert: {note}", file=sys.stderr)
    _say(out, done)


def _warn(
    message: Warning | str, category: type[Warning], *_: object, **__: object
) -> None:
    if issubclass(category, UserWarning):
        print(f"ssrlm convert: warning: {message}", file=sys.stderr)


def _places(parsed: argparse.Namespace) -> tuple[pathlib.Path, pathlib.Path, str]:
    """Returns the file, downloaded if it is asked for, OUT, and a licence if told."""
    if not parsed.download:
        if parsed.out is None:
            raise ValueError("FILE and OUT are both needed, or --download")
        return parsed.source, parsed.out, ""
    if parsed.to == "torch":
        raise ValueError("--download does not go with --to torch")
    if parsed.out is not None:
        raise ValueError("--download takes OUT alone, and no FILE")
    out = parsed.source or pathlib.Path(parsed.family)
    model_dir.check_free(out)
    path, licence = _downloaded(parsed.family, parsed.name)
    return path, out, licence


def _downloaded(family: str, name: str | None) -> tuple[pathlib.Path, str]:
    """Says what a published file is and fetches it.

    Returns:
      Where it is, and the licence that its publisher states beside it, or "".
    """
    from ssrlm_jax.convert import families, published
    from ssrlm_jax.prepare import progress
    from ssrlm_jax.prepare.download import public_sources, transfer

    remote = published.find(family, name)
    licence = remote.licence or families.FAMILIES[family].licence
    print(
        f"{remote.name}: {remote.size / 1e6:,.1f} MB from {remote.url}, "
        f"{remote.checksum or 'no checksum is told'}\n"
        f"licence of the weights: {licence}; cite "
        f"{families.FAMILIES[family].citation}",
        file=sys.stderr,
    )
    if remote.repository:
        return published.from_hub(remote), remote.licence
    file = public_sources.File(
        url=remote.url, name=remote.name, md5=remote.checksum.removeprefix("md5:")
    )
    console = rich.console.Console(stderr=True, markup=False, emoji=False)
    with progress.Downloads(console) as report:
        path = transfer.fetch(file, files.expanded(CACHE) / family, report=report)
    published.check(path, remote)  # it may be there from another time
    return path, remote.licence


def _say(out: pathlib.Path, done: "families.Converted") -> None:
    from ssrlm_jax.models import encoders

    description = done.description
    millions = encoders.num_parameters(description.architecture) / 1e6
    print(
        f"wrote {out}: {done.num_tensors} tensors, an encoder of {millions:,.1f} "
        f"M parameters; weights under {description.made['licence']}; cite "
        f"{description.made['citation']}"
    )
    if description.folding:
        print(f"next: ssrlm fold3d my.fa -m {out} -o models3d")
    elif description.head is None:
        print(f"next: ssrlm embed my.fa -m {out} -o embeddings.npz")
    elif description.threshold is None:
        print(
            "its head has no threshold: fold with --threshold X, or convert with it\n"
            f"next: ssrlm fold my.fa -m {out} --threshold 0.5"
        )
    else:
        print(
            f"head for pairs: {description.head.kind}, threshold "
            f"{description.threshold:.4g}\nnext: ssrlm fold my.fa -m {out}"
        )


def _to_torch(family: str, model: pathlib.Path, out: pathlib.Path) -> None:
    if family != "ssrlm":
        raise ValueError(f"--to torch writes ssrlm only, not {family}")
    from ssrlm_jax.convert import llama

    number, left_out = llama.write(model, out)
    for what in left_out:
        print(f"ssrlm convert: left out: {what}", file=sys.stderr)
    print(
        f"wrote {out}: {number} tensors; transformers' LlamaModel reads it, and needs "
        "a mask of zeros, as it is causal by itself"
    )
