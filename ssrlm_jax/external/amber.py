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
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ssrlm_jax.rna import atoms, coordinate_formats

if TYPE_CHECKING:
    import openmm
    from openmm import app

FORCE_FIELD = "amber14/RNA.OL3.xml"
SPRING = 4184.0  # kJ/mol/nm², of each atom of the chain; 10 kcal/mol/Å²
CUTOFF = 1.0  # nm
TOLERANCE = 10.0  # kJ/mol/nm, root mean square of the forces that ends a stage
_PER_NM = 10.0  # angstrom
_NUM_PHOSPHATE = 3  # P, OP1, OP2: the first slots
_CAP, _CAP_LENGTH = "OHE", 1.61  # a hydroxyl on the 5' phosphate; angstrom
_CHARGES = "charges"  # a setting of the simulation: 1 on, 0 off
_SPRINGS = 1  # group of forces that are none of the field; those are in group 0
# Ribose is kept, or turned, as in nature: below this volume of a centre energy rises
# with the square. kJ/mol per cubic angstrom squared; cubic angstrom.
HANDED, LEAST_VOLUME = 200.0, 2.0


class Relaxed(NamedTuple):
    """A chain after relaxation.

    Attributes:
      chain: as it was but for its coordinates.
      energy_before: kJ/mol, of the force field with charges and without the springs,
        where the chain was predicted and hydrogens are added, but not yet relaxed.
      energy_after: of the same atoms and forces at the end.
      rmsd: angstrom, how far the atoms of the chain moved, not superposed.
      is_converged: false: the time limit ended it. True says only that the nearest
        minimum was reached, not that it is a good one.
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
    not returned. Ribose is kept in its handedness, and wrong centres are turned. Bonds
    are strained where atoms cannot part: whether it helped, the caller has to see
    (`stereochemistry.violations`); to converge is no success. Equal calls give equal
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
    start = time.monotonic()
    mm = _library()
    _check(chain, limit_s)
    try:
        return _relax(mm, chain, start, start + limit_s)
    except mm.OpenMMException as error:
        raise ArithmeticError(f"relaxation: {error}") from error


def _relax(
    mm: ModuleType, chain: coordinate_formats.PredictedChain, start: float, end: float
) -> Relaxed:
    topology, xyz_N3 = _with_hydrogens(mm, chain)
    own = [
        atom.index
        for atom in topology.atoms()
        if atom.element.symbol != "H" and atom.residue.name != _CAP
    ]
    context, springs = _context(mm, topology, xyz_N3, own)
    energy_before = _energy(context)
    if not math.isfinite(energy_before):
        raise ValueError("relaxation: energy is not finite; atoms lie on one another")
    is_converged = all(
        _minimize(mm, context, springs, charges, end) for charges in (0.0, 1.0)
    )
    xyz_LT3 = chain.xyz_LT3.copy()
    xyz_LT3[chain.is_atom_LT] = _places(context)[own] * _PER_NM
    step_N3 = (xyz_LT3 - chain.xyz_LT3)[chain.is_atom_LT]
    return Relaxed(
        chain=dataclasses.replace(chain, xyz_LT3=xyz_LT3),
        energy_before=energy_before,
        energy_after=_energy(context),
        rmsd=float(np.sqrt((step_N3**2).sum(-1).mean())),
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
    is_expected_LT = atoms.is_atom()[atoms.encode(chain.letters)]
    is_expected_LT[0, :_NUM_PHOSPHATE] = chain.is_atom_LT[0, :_NUM_PHOSPHATE].any()
    lacking = np.argwhere(is_expected_LT & ~chain.is_atom_LT)
    if len(lacking):
        residue, slot = lacking[0]
        name = atoms.NAMES[chain.letters[residue]][slot]
        raise ValueError(
            f"relaxation: nucleotide {residue + 1} has no {name}; all are expected"
        )


def _with_hydrogens(
    mm: ModuleType, chain: coordinate_formats.PredictedChain
) -> tuple["app.Topology", np.ndarray]:
    """Returns the topology and nm of all atoms, the chain's in its order."""
    topology = mm.app.Topology()
    strand = topology.addChain()
    xyz_N3 = chain.xyz_LT3[chain.is_atom_LT].astype(np.float64)
    hydrogens: list[list[tuple[str, str]] | None] = [None] * len(chain.letters)
    has_cap = chain.is_atom_LT[0, atoms.P]
    if has_cap:
        residue = topology.addResidue(_CAP, strand)
        topology.addAtom("OP3", mm.app.element.oxygen, residue)
        hydrogens.insert(0, [("HOP3", "OP3")])
        xyz_N3 = np.concatenate([_cap(chain)[None], xyz_N3])
    for letter, is_atom_T in zip(chain.letters, chain.is_atom_LT, strict=True):
        residue = topology.addResidue(letter, strand)
        for slot in np.flatnonzero(is_atom_T):
            name = atoms.NAMES[letter][slot]
            topology.addAtom(name, mm.app.Element.getBySymbol(name[0]), residue)
    topology.createStandardBonds()
    if has_cap:
        topology.addBond(*list(topology.atoms())[:2])  # OP3 and P
    model = mm.app.Modeller(topology, xyz_N3 * mm.unit.angstrom)
    state = random.getstate()  # hydrogens are first placed at random
    try:
        random.seed(0)
        platform = mm.Platform.getPlatformByName("Reference")  # CPU is not repeatable
        model.addHydrogens(variants=hydrogens, platform=platform)
    finally:
        random.setstate(state)
    return model.topology, np.array(model.positions.value_in_unit(mm.unit.nanometer))


def _cap(chain: coordinate_formats.PredictedChain) -> np.ndarray:
    """Returns a place for OP3, opposite to the other oxygens of the 5' phosphate."""
    xyz_T3 = chain.xyz_LT3[0].astype(np.float64)
    away_3 = xyz_T3[atoms.P] - xyz_T3[[*atoms.SWAPPED, atoms.O5_PRIME]].mean(0)
    return xyz_T3[atoms.P] + _CAP_LENGTH * away_3 / np.linalg.norm(away_3)


def _context(
    mm: ModuleType, topology: "app.Topology", xyz_N3: np.ndarray, own: list[int]
) -> tuple["openmm.Context", "openmm.CustomExternalForce"]:
    """Returns a simulation, and its springs on the chain's own atoms."""
    system = mm.app.ForceField(FORCE_FIELD).createSystem(
        topology, nonbondedMethod=mm.app.CutoffNonPeriodic, nonbondedCutoff=CUTOFF
    )
    cap = {atom.index for atom in topology.atoms() if atom.residue.name == _CAP}
    for force in system.getForces():
        if isinstance(force, mm.NonbondedForce):
            _make_charges_a_setting(force, cap)
    springs = mm.CustomExternalForce(f"{SPRING / 2}*((x-a)^2+(y-b)^2+(z-c)^2)")
    for name in "abc":
        springs.addPerParticleParameter(name)
    for index in own:
        springs.addParticle(index, xyz_N3[index].tolist())
    for force in (springs, _handedness(mm, topology)):
        force.setForceGroup(_SPRINGS)
        system.addForce(force)
    context = mm.Context(
        system,
        mm.VerletIntegrator(0.001),  # a context needs one; it never runs
        mm.Platform.getPlatformByName("CPU"),
        {"Threads": "1", "DeterministicForces": "true"},  # more cores: not repeatable
    )
    context.setPositions(xyz_N3)
    return context, springs


def _handedness(
    mm: ModuleType, topology: "app.Topology"
) -> "openmm.CustomCompoundBondForce":
    """Returns the force that gives centres of ribose their handedness."""
    bonds = "; ".join(
        f"{name}{axis}={axis}{column}-{axis}1"
        for column, name in ((2, "a"), (3, "b"), (4, "c"))
        for axis in "xyz"
    )
    volume = "ax*(by*cz-bz*cy)+ay*(bz*cx-bx*cz)+az*(bx*cy-by*cx)"
    force = mm.CustomCompoundBondForce(
        4,
        f"{HANDED}*max(0, {LEAST_VOLUME}-{_PER_NM**3}*volume)^2; volume={volume}; "
        f"{bonds}",
    )
    for residue in topology.residues():
        if residue.name == _CAP:
            continue
        index = {atom.name: atom.index for atom in residue.atoms()}
        index["N"] = index[atoms.ROLES[residue.name]["N"]]
        for centre, neighbours in atoms.CENTRES:
            force.addBond([index[name] for name in (centre, *neighbours)], [])
    return force


def _make_charges_a_setting(force: "openmm.NonbondedForce", cap: set[int]) -> None:
    """Lets a setting turn charges on and off; those of the cap become 0.

    The cap's hydrogen has no radius and would fall into the phosphate's oxygens.
    """
    force.addGlobalParameter(_CHARGES, 1.0)
    for index in range(force.getNumParticles()):
        charge, *radii = force.getParticleParameters(index)
        force.setParticleParameters(index, 0.0, *radii)
        if index not in cap:
            force.addParticleParameterOffset(_CHARGES, index, charge, 0.0, 0.0)
    for index in range(force.getNumExceptions()):
        one, other, product, *radii = force.getExceptionParameters(index)
        force.setExceptionParameters(index, one, other, 0.0, *radii)
        if not cap & {one, other}:
            force.addExceptionParameterOffset(_CHARGES, index, product, 0.0, 0.0)


def _minimize(
    mm: Any,  # a class of it is a base class, which no value of a type can be
    context: "openmm.Context",
    springs: "openmm.CustomExternalForce",
    charges: float,
    end: float,
) -> bool:
    """Lets the energy fall; returns false where time was up first."""

    class Clock(mm.MinimizationReporter):
        is_up = time.monotonic() >= end

        def report(self, *_: object) -> bool:
            self.is_up = time.monotonic() >= end
            return self.is_up

    clock = Clock()
    if not clock.is_up:
        xyz_N3 = _places(context)  # springs to where chains were torn keep them open
        for spring in range(springs.getNumParticles()):
            index, _ = springs.getParticleParameters(spring)
            springs.setParticleParameters(spring, index, xyz_N3[index].tolist())
        springs.updateParametersInContext(context)
        context.setParameter(_CHARGES, charges)
        mm.LocalEnergyMinimizer.minimize(context, TOLERANCE, 0, clock)
        context.setParameter(_CHARGES, 1.0)
    return not clock.is_up


def _places(context: "openmm.Context") -> np.ndarray:
    """Returns nm of all atoms."""
    return context.getState(positions=True).getPositions(asNumpy=True)._value


def _energy(context: "openmm.Context") -> float:
    """Returns kJ/mol without the springs."""
    state = context.getState(energy=True, groups={0})
    return state.getPotentialEnergy()._value
