"""Relaxes predicted atoms in a force field, by OpenMM; needs the extra [relax].

One rule: the fold stays. Springs hold every atom where it was predicted, so bonds,
angles and overlaps are repaired and nothing else. In vacuum, on the processor.

Source: Zgarbova et al. 2011, J. Chem. Theory Comput. 7, for the force field (AMBER
OL3); Jumper et al. 2021, Nature 596, supplement 1.8.6, for springs without solvent.
"""

import contextlib
import dataclasses
import math
import random
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ssrlm_jax.rna import atoms, coordinate_formats

FORCE_FIELD = "amber14/RNA.OL3.xml"
SPRING = 4184.0  # kJ/mol/nm² on each heavy atom; 10 kcal/mol/Å²
CUTOFF = 1.0  # nm, of charges and van der Waals forces
TOLERANCE = 10.0  # kJ/mol/nm, root mean square of the force at which a stage ends
_PHOSPHATE = ("P", "OP1", "OP2")
_CAP = "OHE"  # the force field's name of a hydroxyl at a 5' phosphate
_CAP_LENGTH = 1.61  # angstrom
_PER_NM = 10.0  # angstrom
_CHARGES = "charges"  # a setting of the simulation: 0 off, 1 on
_SPRINGS_GROUP = 1


class Relaxed(NamedTuple):
    """A chain after relaxation.

    Attributes:
      chain: the same but for coordinates.
      energy_before: kJ/mol, of the force field with charges and without the springs,
        of the predicted atoms with the hydrogens as they were added.
      energy_after: of all atoms at the end.
      rmsd: angstrom, how far the chain's atoms moved; not superposed.
      is_converged: false: the time limit ended it.
      seconds: it took.
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
    """Moves atoms to a minimum of energy near by.

    Hydrogens are added, then the energy falls twice: without charges, so that atoms
    which overlap part, then with them. Where the 5' nucleotide has a phosphate, it
    ends in a hydroxyl (OP3) meanwhile, as in the force field; where it has none, its
    O5' is the hydroxyl. Atoms that were added are not returned. Handedness is kept,
    also where it is wrong. Equal calls on one machine give equal results.

    Args:
      chain: nucleotides bonded each to the next whatever their numbers, of all their
        atoms, but for the first one's phosphate.
      limit_s: seconds; checked after each step. Adding hydrogens is not cut short,
        and of 0 it is all that is done.

    Raises:
      ValueError: fewer than two nucleotides, an atom is missing, the limit is < 0, or
        atoms lie on one another so that forces are not finite.
      ImportError: OpenMM is missing.
    """
    mm = _library()
    _check(chain, limit_s)
    start = time.monotonic()
    topology, xyz_N3, heavy_M = _with_hydrogens(mm, chain)
    context = _context(mm, topology, xyz_N3, heavy_M)
    before = _energy(context)
    if not math.isfinite(before):
        raise ValueError(
            "relaxation: energy is not finite; atoms lie on one another"
        )
    is_converged = all(
        _minimize(mm, context, charges, start + limit_s) for charges in (0.0, 1.0)
    )
    state = context.getState(positions=True)
    xyz_M3 = state.getPositions(asNumpy=True)._value[heavy_M] * _PER_NM
    xyz_LT3 = np.zeros_like(chain.xyz_LT3)
    xyz_LT3[chain.is_atom_LT] = xyz_M3
    step_M3 = xyz_M3 - chain.xyz_LT3[chain.is_atom_LT]
    return Relaxed(
        chain=dataclasses.replace(chain, xyz_LT3=xyz_LT3),
        energy_before=before,
        energy_after=_energy(context),
        rmsd=float(np.sqrt((step_M3**2).sum(-1).mean())),
        is_converged=is_converged,
        seconds=time.monotonic() - start,
    )


def _library() -> ModuleType:
    try:
        import openmm
        import openmm.app
    except ImportError as error:
        raise ImportError(
            "relaxation needs OpenMM: pip install 'ssrlm-jax[relax]'"
        ) from error
    return openmm


def _check(chain: coordinate_formats.PredictedChain, limit_s: float) -> None:
    if not limit_s >= 0:
        raise ValueError(f"limit_s={limit_s!r} is not >= 0")
    if len(chain.letters) < 2:
        raise ValueError("relaxation: two nucleotides or more are expected, found 1")
    is_wanted_LT = atoms.is_atom()[atoms.encode(chain.letters)]
    if not _has_phosphate(chain):
        is_wanted_LT[0, : len(_PHOSPHATE)] = False
    lacking = np.argwhere(is_wanted_LT & ~chain.is_atom_LT)
    if len(lacking):
        residue, slot = lacking[0]
        letter = chain.letters[residue]
        raise ValueError(
            f"relaxation: nucleotide {residue + 1}, {letter}, has no "
            f"{atoms.NAMES[letter][slot]}; all atoms are expected"
        )


def _has_phosphate(chain: coordinate_formats.PredictedChain) -> bool:
    return bool(chain.is_atom_LT[0, : len(_PHOSPHATE)].any())


def _with_hydrogens(
    mm: ModuleType, chain: coordinate_formats.PredictedChain
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Returns a topology, coordinates in nm, and where the chain's atoms are."""
    topology = mm.app.Topology()
    strand = topology.addChain()
    xyz_N3 = chain.xyz_LT3[chain.is_atom_LT].astype(np.float64)
    variants: list[list[tuple[str, str]] | None] = [None] * len(chain.letters)
    cap = None
    if _has_phosphate(chain):
        residue = topology.addResidue(_CAP, strand)
        cap = topology.addAtom("OP3", mm.app.element.oxygen, residue)
        xyz_N3 = np.concatenate([_cap(chain)[None], xyz_N3])
        variants.insert(0, [("HOP3", "OP3")])
    for letter, is_atom_T in zip(chain.letters, chain.is_atom_LT, strict=True):
        residue = topology.addResidue(letter, strand)
        for slot in np.flatnonzero(is_atom_T):
            name = atoms.NAMES[letter][slot]
            element = mm.app.Element.getBySymbol(name[0])
            topology.addAtom(name, element, residue)
    topology.createStandardBonds()
    if cap is not None:
        named = {atom.name: atom for atom in list(topology.residues())[1].atoms()}
        topology.addBond(cap, named["P"])
    made = mm.app.Modeller(topology, xyz_N3 / _PER_NM * mm.unit.nanometer)
    with _fixed_random():
        made.addHydrogens(variants=variants, platform=mm.Platform.getPlatformByName("Reference"))
    heavy_M = [
        atom.index
        for atom in made.topology.atoms()
        if atom.element.symbol != "H" and atom.residue.name != _CAP
    ]
    xyz_N3 = np.array(made.positions.value_in_unit(mm.unit.nanometer))
    return made.topology, xyz_N3, np.array(heavy_M)


def _cap(chain: coordinate_formats.PredictedChain) -> np.ndarray:
    """Returns a place for OP3, opposite to the other oxygens of the 5' phosphate."""
    slots = [atoms.BACKBONE.index(name) for name in ("OP1", "OP2", "O5'")]
    p_3 = chain.xyz_LT3[0, atoms.P].astype(np.float64)
    away_3 = p_3 - chain.xyz_LT3[0, slots].mean(0)
    return p_3 + _CAP_LENGTH * away_3 / max(float(np.linalg.norm(away_3)), 1e-6)


def _context(
    mm: ModuleType, topology: Any, xyz_N3: np.ndarray, heavy_M: np.ndarray
) -> Any:
    """Returns a simulation with springs, and charges that can be switched off."""
    system = mm.app.ForceField(FORCE_FIELD).createSystem(
        topology,
        nonbondedMethod=mm.app.CutoffNonPeriodic,
        nonbondedCutoff=CUTOFF * mm.unit.nanometer,
        removeCMMotion=False,
    )
    is_cap_N = [atom.residue.name == _CAP for atom in topology.atoms()]
    for force in system.getForces():
        if isinstance(force, mm.NonbondedForce):
            _make_charges_a_setting(force, is_cap_N)
    springs = mm.CustomExternalForce("0.5*k*((x-x0)^2+(y-y0)^2+(z-z0)^2)")
    springs.addGlobalParameter("k", SPRING)
    for name in ("x0", "y0", "z0"):
        springs.addPerParticleParameter(name)
    for index in heavy_M.tolist():
        springs.addParticle(index, xyz_N3[index].tolist())
    springs.setForceGroup(_SPRINGS_GROUP)
    system.addForce(springs)
    context = mm.Context(
        system,
        mm.VerletIntegrator(0.001),  # never used; a context has one
        _platform(mm),
        {"DeterministicForces": "true", "Threads": "1"},
    )
    context.setPositions(xyz_N3)
    return context


def _make_charges_a_setting(force: Any, is_cap_N: list[bool]) -> None:
    force.addGlobalParameter(_CHARGES, 1.0)
    for index in range(force.getNumParticles()):
        charge, sigma, epsilon = force.getParticleParameters(index)
        force.setParticleParameters(index, 0.0, sigma, epsilon)
        if not is_cap_N[index]:
            force.addParticleParameterOffset(_CHARGES, index, charge, 0.0, 0.0)
    for index in range(force.getNumExceptions()):
        one, other, product, sigma, epsilon = force.getExceptionParameters(index)
        force.setExceptionParameters(index, one, other, 0.0, sigma, epsilon)
        if not (is_cap_N[one] or is_cap_N[other]):
            force.addExceptionParameterOffset(_CHARGES, index, product, 0.0, 0.0)


def _minimize(mm: ModuleType, context: Any, charges: float, end: float) -> bool:
    """Lets the energy fall; returns false where time was up first."""

    class Clock(mm.MinimizationReporter):  # type: ignore[misc, name-defined]
        is_up = time.monotonic() >= end

        def report(self, *_: object) -> bool:
            self.is_up = time.monotonic() >= end
            return self.is_up

    clock = Clock()
    context.setParameter(_CHARGES, charges)
    if not clock.is_up:
        mm.LocalEnergyMinimizer.minimize(context, TOLERANCE, 0, clock)
    context.setParameter(_CHARGES, 1.0)
    return not clock.is_up


def _energy(context: Any) -> float:
    """Returns kJ/mol, of all forces but springs."""
    state = context.getState(energy=True, groups=~(1 << _SPRINGS_GROUP) & 0xFFFFFFFF)
    return float(state.getPotentialEnergy()._value)


def _platform(mm: ModuleType) -> Any:
    return mm.Platform.getPlatformByName("CPU")


@contextlib.contextmanager
def _fixed_random() -> Iterator[None]:
    """Seeds what hydrogens are first placed by, and sets it back."""
    state = random.getstate()
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(state)
