"""Predicted chains as PDB and mmCIF text, written by gemmi.

Atoms come in the standard order, which is that of rna/atoms.py. The column of
B-factors holds 100 x pLDDT of the nucleotide that the atom is of. Numbers count from 1.
"""

from collections.abc import Mapping

import gemmi
import numpy as np

from ssrlm_jax.rna import atoms

CHAIN = "A"
MOST_RESIDUES, MOST_ATOMS = 9_999, 99_999  # of PDB's columns
LARGEST = 9_999.0  # angstrom, likewise


def as_pdb(
    name: str,
    letters: str,
    xyz_LT3: np.ndarray,
    is_atom_LT: np.ndarray,
    plddt_L: np.ndarray,
    remarks: Mapping[str, str] | None = None,
) -> str:
    """Returns a PDB file.

    Args:
      name: of the RNA.
      letters: A C G U.
      xyz_LT3: angstrom, in slots.
      is_atom_LT: bool.
      plddt_L: 0..1.
      remarks: what and value, such as versions; they become REMARK 3.

    Raises:
      ValueError: an atom has no finite place, or the chain is too long for PDB.
    """
    if len(letters) > MOST_RESIDUES or is_atom_LT.sum() > MOST_ATOMS:
        raise ValueError(
            f"{len(letters):,} nucleotides with {is_atom_LT.sum():,} atoms do not fit "
            "into PDB's columns; use mmcif"
        )
    if is_atom_LT.any() and np.abs(xyz_LT3[is_atom_LT]).max() > LARGEST:
        raise ValueError(f"an atom is beyond {LARGEST:,.0f} angstrom; use mmcif")
    structure = _structure(name, letters, xyz_LT3, is_atom_LT, plddt_L)
    lines = [
        f"REMARK   3 {what}: {said}"[:80] for what, said in (remarks or {}).items()
    ]
    title = [
        f"TITLE     {name[:70]}",
        "REMARK   3 B-FACTOR: 100 X PLDDT OF THE RESIDUE",
    ]
    options = gemmi.PdbWriteOptions(minimal=True)
    text = structure.make_pdb_string(options)
    body = [
        line.rstrip() for line in text.splitlines() if line.startswith(("ATOM", "TER"))
    ]
    return "\n".join([*title, *lines, *body, "END"]) + "\n"


def as_mmcif(
    name: str,
    letters: str,
    xyz_LT3: np.ndarray,
    is_atom_LT: np.ndarray,
    plddt_L: np.ndarray,
    remarks: Mapping[str, str] | None = None,
) -> str:
    """Returns an mmCIF file; arguments and errors as of `as_pdb`, of any length.

    Confidence stands in ModelCIF's tables too.
    """
    structure = _structure(name, letters, xyz_LT3, is_atom_LT, plddt_L)
    block = structure.make_mmcif_document().sole_block()
    block.set_pair("_struct.title", gemmi.cif.quote(name))
    for number, (what, said) in enumerate((remarks or {}).items()):
        if not number:
            loop = block.init_loop("_software.", ["pdbx_ordinal", "name", "version"])
        loop.add_row([str(number + 1), gemmi.cif.quote(what), gemmi.cif.quote(said)])
    metric = block.init_loop("_ma_qa_metric.", ["id", "name", "type", "mode"])
    metric.add_row(["1", "pLDDT", "pLDDT", "global"])
    metric.add_row(["2", "pLDDT", "pLDDT", "local"])
    whole = block.init_loop(
        "_ma_qa_metric_global.", ["ordinal_id", "model_id", "metric_id", "metric_value"]
    )
    whole.add_row(["1", "1", "1", f"{100 * np.mean(plddt_L):.2f}"])
    columns = ["ordinal_id", "model_id", "label_asym_id", "label_seq_id"]
    columns += ["label_comp_id", "metric_id", "metric_value"]
    each = block.init_loop("_ma_qa_metric_local.", columns)
    for number, (letter, value) in enumerate(zip(letters, plddt_L, strict=True), 1):
        place = [str(number), "1", structure[0][0][0].subchain, str(number)]
        each.add_row([*place, letter, "2", f"{100 * value:.2f}"])
    return block.as_string()


def _structure(
    name: str,
    letters: str,
    xyz_LT3: np.ndarray,
    is_atom_LT: np.ndarray,
    plddt_L: np.ndarray,
) -> gemmi.Structure:
    if not np.isfinite(xyz_LT3[is_atom_LT]).all():
        place = int(np.flatnonzero((~np.isfinite(xyz_LT3)).any((1, 2)))[0]) + 1
        raise ValueError(f"nucleotide {place}: an atom has no finite place")
    chain = gemmi.Chain(CHAIN)
    for place, letter in enumerate(letters):
        residue = gemmi.Residue()
        residue.name, residue.seqid = letter, gemmi.SeqId(place + 1, " ")
        residue.label_seq = place + 1
        residue.entity_type = gemmi.EntityType.Polymer
        for slot, atom_name in enumerate(atoms.NAMES[letter]):
            if not is_atom_LT[place, slot]:
                continue
            atom = gemmi.Atom()
            atom.name = atom_name
            atom.element = gemmi.Element(atom_name[0])
            atom.pos = gemmi.Position(*map(float, xyz_LT3[place, slot]))
            atom.occ, atom.b_iso = 1.0, 100.0 * float(plddt_L[place])
            residue.add_atom(atom)
        chain.add_residue(residue)
    model = gemmi.Model(1)
    model.add_chain(chain)
    structure = gemmi.Structure()
    structure.name = name
    structure.add_model(model)
    structure.setup_entities()
    for entity in structure.entities:
        entity.polymer_type = gemmi.PolymerType.Rna
        entity.full_sequence = list(letters)
    return structure
