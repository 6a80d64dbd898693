"""Programs that pin old packages, each in an environment of its own: `--install`.

Nothing is installed where this package runs. What is there says so by a file that is
written last; an installation that was stopped is begun anew.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import sys
from collections.abc import Callable

from ssrlm_jax import config, files
from ssrlm_jax.external import folding_programs, printing_programs, programs

FOLDER = "SSRLM_ENVIRONMENTS"  # names the folder of all environments
_DEFAULT = "~/.cache/ssrlm-jax/environments"
_DONE = "installed.json"
_SECONDS = 3_600.0  # for one step of an installation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a method is installed.

    Attributes:
      python: versions that its packages run on, "3.8", the best first.
      packages: as pip gets them.
      needs: what else, for people: size, licence.
    """

    python: tuple[str, ...]
    packages: tuple[str, ...]
    needs: str


RECIPES = {
    "mxfold2": Recipe(
        python=("3.8",),
        packages=("mxfold2==0.1.1",),
        needs="Python 3.8, PyTorch: 3.4 GB; MIT",
    ),
    "efold": Recipe(
        python=("3.11", "3.10", "3.12"),
        packages=("efold==0.1.2",),
        needs="PyTorch with CUDA and Lightning: 6 GB; MIT",
    ),
    "squarna": Recipe(
        python=("3.11", "3.12", "3.10"),
        packages=("SQUARNA==3.2.2",),
        needs="250 MB; Apache-2.0, on ViennaRNA",
    ),
}
SQUARNA = programs.Program("SQUARNA", "SSRLM_SQUARNA", "ssrlm paper --install squarna")
EFOLD = programs.Program("efold", "SSRLM_EFOLD", "ssrlm paper --install efold")
MXFOLD2 = programs.Program(
    "mxfold2", "SSRLM_MXFOLD2", "ssrlm paper --install mxfold2, which needs Python 3.8"
)


def place_of(name: str) -> pathlib.Path:
    """Returns where the environment of a method is, or would be."""
    return files.expanded(os.environ.get(FOLDER) or _DEFAULT) / name


def mxfold2(settings: config.PaperConfig) -> folding_programs.Folder:
    """Returns MXfold2.

    Raises:
      ProgramError: neither its variable, nor PATH, nor an installation has it.
    """
    return _program("mxfold2", MXFOLD2, ("predict",), settings)


def squarna(settings: config.PaperConfig) -> folding_programs.Folder:
    """Returns SQUARNA on sequences alone, with pseudoknots; its first structure.

    Raises:
      ProgramError: neither its variable, nor PATH, nor an installation has it.
    """
    return _program("squarna", SQUARNA, ("i={}", "if=q", "t=1"), settings)


def efold(settings: config.PaperConfig) -> folding_programs.Folder:
    """Returns eFold, by its lists of pairs, with pseudoknots.

    It runs as its package does: in the mode of training, which its scores are of. N is
    X to it, the letter of padding, as it stops at others.

    Raises:
      ProgramError: neither its variable, nor PATH, nor an installation has it.
    """
    words = ("--fasta", "{}", "--basepair", "--output", "pairs.txt")
    return _program("efold", EFOLD, words, settings, has_pairs=True, unknown="X")


def install(name: str, report: Callable[[str], None]) -> pathlib.Path:
    """Makes the environment of a method, if it is not there.

    Args:
      name: of RECIPES.
      report: is told each step.

    Returns:
      Where it is.

    Raises:
      ValueError: no such recipe, no such Python here, or pip failed; one line.
    """
    if name not in RECIPES:
        raise ValueError(
            f"--install={name}: {', '.join(RECIPES)} are installed so; "
            "`ssrlm paper table1 --dry_run` says how others are got"
        )
    recipe, place = RECIPES[name], place_of(name)
    asked = {"packages": list(recipe.packages)}
    with contextlib.suppress(OSError, ValueError):
        if json.loads((place / _DONE).read_text()) == asked:
            report(f"{name} is there: {place}")
            return place
    files.check_place(place)
    python = _python(name, recipe)
    shutil.rmtree(place, ignore_errors=True)
    report(f"{name}: {recipe.needs}; into {place}")
    programs.run([python, "-m", "venv", str(place)], timeout=_SECONDS)
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    programs.run([*pip, *recipe.packages], timeout=_SECONDS)
    files.write_text(place / _DONE, json.dumps(asked) + "\n")
    return place


def _program(
    name: str,
    program: programs.Program,
    arguments: tuple[str, ...],
    settings: config.PaperConfig,
    *,
    has_pairs: bool = False,
    unknown: str = "N",
) -> folding_programs.Folder:
    """Returns a program that a variable names, of an installation, or of PATH."""
    place, path, version = place_of(name), "", ""
    if (place / _DONE).exists() and not os.environ.get(program.variable):
        path = str(place / "bin" / program.name)
        version = " ".join(json.loads((place / _DONE).read_text())["packages"])
    return printing_programs.PrintingProgram(
        program=program,
        arguments=arguments,
        version=version,
        path=path,
        timeout=settings.time_limit,
        has_pairs=has_pairs,
        unknown=unknown,
    )


def _python(name: str, recipe: Recipe) -> str:
    """Returns an interpreter of a version that runs and can make environments."""
    for version in recipe.python:
        if sys.version.startswith(f"{version}."):
            return sys.executable
        for found in (shutil.which(f"python{version}"), *_of_pyenv(version)):
            if found:
                with contextlib.suppress(programs.ProgramError):
                    programs.run([found, "-c", "import venv"], timeout=60.0)
                    return found
    raise ValueError(
        f"--install={name}: Python {' or '.join(recipe.python)} is not on PATH; "
        f"`uv python install {recipe.python[0]}` or pyenv gets it"
    )


def _of_pyenv(version: str) -> list[str]:
    """Returns pyenv's interpreters of a version; its names on PATH may choose none."""
    try:
        root = files.expanded(os.environ.get("PYENV_ROOT") or "~/.pyenv")
    except ValueError:  # no home, no pyenv
        return []
    return sorted(map(str, root.glob(f"versions/{version}.*/bin/python{version}")))
