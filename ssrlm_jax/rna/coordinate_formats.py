"""Predicted atoms → text of PDB and mmCIF files.

One rule: the B column of an atom holds the confidence of its own nucleotide, pLDDT
times 100. Atoms are in the order of the PDB, coordinates in angstrom with three
decimals, nucleotides numbered from 1 unless they are named otherwise. Gemmi formats
both.
"""

import dataclasses
import itertools
import re
import textwrap
from collections.abc import Mapping

import gemmi
import numpy as np

from ssrlm_jax.rna import atoms

_METHOD = "THEORETICAL MODEL"  # of both formats' lists of methods
_TITLE = "title"
_REMARK = "REMARK   6 "  # the first that is free text
_WIDTH = 80  # of a line of PDB
_MOST_RESIDUES, _MOST_SERIAL = 9_999, 99_999  # TER takes a serial number, too
_LEAST, _GREATEST = -999.999, 9999.999  # angstrom; eight letters
_GROUPS = (  # of gemmi's
    *("block_name", "entry", "entity", "entity_poly_seq"),
    *("struct_asym", "atom_type", "group_pdb", "atoms", "auth_all"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class PredictedChain:
    """A strand as a model sees it.

    Attributes:
      letters: A C G U.
      xyz_LT3: float32, atoms in the slots of rna/atoms.py, angstrom.
      is_atom_LT: bool; at least one is true, none where the letter has no atom.
      plddt_L: float32, expected lDDT of each nucleotide, 0..1.
      name: of the chain.
      numbers: of nucleotides, rising; none: from 1.

    Raises:
      ValueError: anything is not so, or an atom's place is not finite.
    """

    letters: str
    xyz_LT3: np.ndarray
    is_atom_LT: np.ndarray
    plddt_L: np.ndarray
    name: str = "A"
    numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        length = len(self.letters)
        wrong = [n for n, x in enumerate(self.letters) if x not in atoms.LETTERS]
        if wrong:
            raise ValueError(
                f"nucleotide {wrong[0] + 1}: {self.letters[wrong[0]]!r} is not one of "
                f"{' '.join(atoms.LETTERS)}"
            )
        for name, array, shape in (
            ("xyz_LT3", self.xyz_LT3, (length, atoms.SLOTS, 3)),
            ("is_atom_LT", self.is_atom_LT, (length, atoms.SLOTS)),
            ("plddt_L", self.plddt_L, (length,)),
        ):
            if array.shape != shape:
                raise ValueError(
                    f"{length} letters: {name} of shape {shape} is expected, found "
                    f"{array.shape}"
                )
        if not re.fullmatch(r"[A-Za-z0-9]+", self.name):
            raise ValueError(f"chain {self.name!r}: letters and digits are expected")
        _check_values(self)
        if not self.numbers:
            object.__setattr__(self, "numbers", tuple(range(1, length + 1)))
        is_rising = all(a < b for a, b in itertools.pairwise(self.numbers))
        if len(self.numbers) != length or not is_rising:
            raise ValueError(f"numbers: {length} that rise are expected")


def as_pdb(
    chain: PredictedChain, software: Mapping[str, str], about: Mapping[str, str]
) -> str:
    """Returns the text of a PDB file.

    Records are TITLE, EXPDTA (a theoretical model), REMARK 6, SEQRES, ATOM, TER, END.
    The format is ASCII: another letter of a remark becomes '?'.

    Args:
      chain: its name has one letter.
      software: versions of programs by name.
      about: what else is said, such as the model and its data's cut-off; "title" is
        the title.

    Raises:
      ValueError: the format cannot hold the chain; mmCIF can.
    """
    _check_fits_pdb(chain)
    structure = _structure(chain)
    if about.get(_TITLE):
        structure.info["_struct.title"] = _ascii(about[_TITLE])
    structure.info["_exptl.method"] = _METHOD
    lines = [f"program: {name} {version}" for name, version in software.items()]
    lines += [f"{name}: {what}" for name, what in about.items() if name != _TITLE]
    structure.raw_remarks = [
        f"{_REMARK}{part}".ljust(_WIDTH)
        for line in lines
        for part in textwrap.wrap(_ascii(line), _WIDTH - len(_REMARK))
    ]
    return structure.make_pdb_string(gemmi.PdbWriteOptions(cryst1_record=False))


def as_mmcif(
    chain: PredictedChain, software: Mapping[str, str], about: Mapping[str, str]
) -> str:
    """Returns the text of an mmCIF file.

    It holds the polymer's sequence, the atoms and, as ModelCIF has it, pLDDT of each
    nucleotide and its mean, both times 100.

    Args:
      chain: of any length.
      software: versions of programs by name.
      about: what else is said, such as the model and its data's cut-off; "title" is
        the title.

    Source: ModelCIF, Vallat et al. 2023, J. Mol. Biol. 435(14).
    """
    title = " ".join(about.get(_TITLE, "").split())
    structure = _structure(chain)
    structure.name = re.sub(r"[^A-Za-z0-9_-]+", "_", title) or "model"
    groups = gemmi.MmcifOutputGroups(False, **dict.fromkeys(_GROUPS, True))
    document = structure.make_mmcif_document(groups)
    block = document[0]
    details = [f"{name}: {what}" for name, what in about.items() if name != _TITLE]
    tables: dict[str, dict[str, list[object]]] = {
        "_struct.": {
            "entry_id": [structure.name],
            "title": [title or None],
            "pdbx_model_details": ["\n".join(details) or None],
            "pdbx_structure_determination_methodology": ["computational"],
        },
        "_exptl.": {"entry_id": [structure.name], "method": [_METHOD]},
        "_software.": {
            "pdbx_ordinal": [*range(1, len(software) + 1)],
            "name": [*software],
            "version": [*software.values()],
            "classification": ["model building"] * len(software),
        },
    }
    for category, columns in (tables | _polymer(chain) | _confidence(chain)).items():
        if any(columns.values()):
            block.set_mmcif_category(category, columns)
    block.move_item(block.get_index("_atom_site.id"), -1)
    return document.as_string()


def _check_values(chain: PredictedChain) -> None:
    has_slot_LT = atoms.is_atom()[atoms.encode(chain.letters)]
    lacking = np.argwhere(chain.is_atom_LT & ~has_slot_LT)
    if len(lacking):
        residue, slot = lacking[0]
        raise ValueError(
            f"nucleotide {residue + 1}: {chain.letters[residue]} has "
            f"{has_slot_LT[residue].sum()} atoms; there is one in slot {slot + 1}"
        )
    if not chain.is_atom_LT.any():
        raise ValueError("a chain with atoms is expected; there are none")
    is_finite_LT = np.isfinite(chain.xyz_LT3).all(-1)
    lost = np.argwhere(chain.is_atom_LT & ~is_finite_LT)
    if len(lost):
        residue, slot = lost[0]
        letter = chain.letters[residue]
        raise ValueError(
            f"nucleotide {residue + 1}: the place of {atoms.NAMES[letter][slot]} is "
            f"{chain.xyz_LT3[residue, slot].tolist()}; finite numbers are expected"
        )
    outside = np.flatnonzero(~((chain.plddt_L >= 0) & (chain.plddt_L <= 1)))
    if len(outside):
        raise ValueError(
            f"nucleotide {outside[0] + 1}: pLDDT is {chain.plddt_L[outside[0]]}; "
            "0..1 is expected"
        )


def _check_fits_pdb(chain: PredictedChain) -> None:
    num_residues, num_atoms = max(chain.numbers), int(chain.is_atom_LT.sum())
    xyz_N3 = chain.xyz_LT3[chain.is_atom_LT]
    for found, fits in (
        (f"nucleotide {num_residues:,}", num_residues <= _MOST_RESIDUES),
        (f"{num_atoms:,} atoms", num_atoms < _MOST_SERIAL),
        (f"chain name {chain.name!r}", len(chain.name) == 1),
        (f"a coordinate of {xyz_N3.min():.3f}", xyz_N3.min() >= _LEAST),
        (f"a coordinate of {xyz_N3.max():.3f}", xyz_N3.max() <= _GREATEST),
    ):
        if not fits:
            raise ValueError(f"PDB cannot hold {found}; write mmCIF")


def _structure(chain: PredictedChain) -> gemmi.Structure:
    """Returns atoms and the sequence as gemmi holds them."""
    strand = gemmi.Chain(chain.name)
    xyz_LT3 = chain.xyz_LT3.astype(np.float64).round(3) + 0.0  # -0 would be written
    bfactor_L = (100 * chain.plddt_L.astype(np.float64)).round(2)
    for position, (letter, number) in enumerate(
        zip(chain.letters, chain.numbers, strict=True)
    ):
        residue = gemmi.Residue()
        residue.name, residue.seqid = letter, gemmi.SeqId(number, " ")
        residue.subchain, residue.entity_id = chain.name, "1"
        residue.label_seq, residue.het_flag = position + 1, "A"
        residue.entity_type = gemmi.EntityType.Polymer
        for slot in np.flatnonzero(chain.is_atom_LT[position]):
            atom = gemmi.Atom()
            atom.name = atoms.NAMES[letter][slot]
            atom.element = gemmi.Element(atom.name[0])
            atom.pos = gemmi.Position(*xyz_LT3[position, slot])
            atom.occ, atom.b_iso = 1.0, bfactor_L[position]
            residue.add_atom(atom)
        if len(residue):
            strand.add_residue(residue)
    model = gemmi.Model(1)
    model.add_chain(strand)
    entity = gemmi.Entity("1")
    entity.entity_type = gemmi.EntityType.Polymer
    entity.polymer_type = gemmi.PolymerType.Rna
    entity.full_sequence, entity.subchains = list(chain.letters), [chain.name]
    structure = gemmi.Structure()
    structure.add_model(model)
    structure.entities = gemmi.EntityList([entity])
    structure.assign_serial_numbers()
    return structure


def _polymer(chain: PredictedChain) -> dict[str, dict[str, list[object]]]:
    """Returns the categories of mmCIF that say what the strand is made of."""
    names = sorted(set(chain.letters))
    letters = "\n".join(textwrap.wrap(chain.letters, _WIDTH))
    return {
        "_entity_poly.": {
            "entity_id": [1],
            "type": ["polyribonucleotide"],
            "nstd_linkage": ["no"],
            "nstd_monomer": ["no"],
            "pdbx_seq_one_letter_code": [letters],
            "pdbx_seq_one_letter_code_can": [letters],
            "pdbx_strand_id": [chain.name],
        },
        "_chem_comp.": {"id": [*names], "type": ["RNA linking"] * len(names)},
    }


def _confidence(chain: PredictedChain) -> dict[str, dict[str, list[object]]]:
    """Returns the categories of ModelCIF that hold pLDDT."""
    plddt_L = 100 * chain.plddt_L.astype(np.float64)
    length = len(plddt_L)
    return {
        "_ma_qa_metric.": {
            "id": [1, 2],
            "name": ["pLDDT", "mean pLDDT"],
            "description": [
                "expected lDDT of a nucleotide, 0 to 100",
                "its mean over the chain",
            ],
            "mode": ["local", "global"],
            "type": ["pLDDT", "pLDDT"],
        },
        "_ma_qa_metric_global.": {
            "ordinal_id": [1],
            "model_id": [1],
            "metric_id": [2],
            "metric_value": [f"{plddt_L.mean():.2f}"],
        },
        "_ma_qa_metric_local.": {
            "ordinal_id": [*range(1, length + 1)],
            "model_id": [1] * length,
            "label_asym_id": [chain.name] * length,
            "label_seq_id": [*range(1, length + 1)],
            "label_comp_id": [*chain.letters],
            "metric_id": [1] * length,
            "metric_value": [f"{value:.2f}" for value in plddt_L],
        },
    }


def _ascii(text: str) -> str:
    """Returns one line of ASCII."""
    return " ".join(text.encode("ascii", "replace").decode().split())
