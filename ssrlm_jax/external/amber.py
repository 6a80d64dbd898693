"""Relaxes predicted atoms in a force field, by OpenMM; needs the extra [relax].

One rule: the fold stays. Springs hold atoms where they are, so that lengths, angles and
overlaps are repaired and little else. In vacuum, on one core.

Sources: Zgarbova et al. 2011, J. Chem. Theory Comput. 7, for AMBER OL3; Jumper et al.
2021, Nature 596, supplement 1.8.6, for springs and vacuum.
"""

import dataclasses
import math
import random
import time
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ssrlm_jax.rna import atoms, coordinate_formats

FORCE_FIELD = "amber14/RNA.OL3.xml"
SPRING = 4184.0  # kJ/mol/nm², of each atom of the chain; 10 kcal/mol/Å²
CUTOFF = 1.0  # nm
TOLERANCE = 10.0  # kJ/mol/nm, root mean square of the forces that ends a stage
_PER_NM = 10.0  # angstrom
_NUM_PHOSPHATE = 3  # P, OP1, OP2: the first slots
_CAP, _CAP_LENGTH = "OHE", 1.61  # a hydroxyl on the 5' phosphate; angstrom
_CHARGES = "charges"  # a setting of the simulation: 1 on, 0 off
_SPRINGS = 1  # group of forces; all others are in group 0


class Relaxed(NamedTuple):
    """A chain after relaxation.

    Attributes:
      chain: as it was but for its coordinates.
      energy_before: kJ/mol, of the force field with charges and without the springs,
        where the chain was predicted and hydrogens are added, but not yet relaxed.
      energy_after: of the same atoms and forces at the end.
      rmsd: angstrom, how far the atoms of the chain moved, not superposed.
      is_converged: false: the time limit ended it.
      seconds: that it took.
    """

    chain: coordinate_formats.PredictedChain
    energy_before: float
    energy_after: float
    rmsd: float
    is_converged: bool
    seconds: float


def check_installed() -> None:
    """Raises an ImportError where OpenMM is missing."""
    _library()


def relax(
    chain: coordinate_formats.PredictedChain, *, limit_s: float = 300.0
) -> Relaxed:
    """Moves atoms to the nearest minimum of the energy.

    Hydrogens are added, then energy falls twice: without charges, which lets atoms
    that overlap part, and with them. A 5' phosphate ends meanwhile in a hydroxyl, as
    the force field knows it; without phosphate, O5' is the hydroxyl. What is added is
    not returned. Handedness is kept, also where it is wrong. Equal calls give equal
    results.

    Args:
      chain: nucleotides each bonded to the next, whatever their numbers, with all
        atoms; the first may lack its phosphate.
      limit_s: seconds, looked at after each step; of 0, nothing moves. Hydrogens are
        added in any case.

    Raises:
      ValueError: fewer than two nucleotides, an atom is missing, atoms lie on one
        another, or the limit is < 0.
      ImportError: OpenMM is missing.
      ArithmeticError: the simulation failed.
    """
    end = time.monotonic() + limit_s
    mm = _library()
    _check(chain, limit_s)
    try:
        found = _relax(mm, chain, end)
    except mm.OpenMMException as error:
        raise ArithmeticError(f"relaxation: {error}") from error
    return found._replace(seconds=time.monotonic() - end + limit_s)


def _library() -> ModuleType:
    try:
        import openmm
        import openmm.app
    except ImportError as error:
        raise ImportError(
            "relaxation needs OpenMM: pip install 'ssrlm-jax[relax]'"
        ) from error
    return openmm
