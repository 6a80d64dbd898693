"""mmCIF and BinaryCIF → the residues of each chain of the authors, model by model."""

import logging
import re
from collections.abc import Hashable, Iterator

import gemmi

from ssrlm_jax.rna import atom_records, binary_cif, textfile

_ATOMS = "atom_site"
_CODES = re.compile(r"\(([^()\s]+)\)|([A-Za-z])")  # of one-letter sequences

_log = logging.getLogger(__name__)


def models(
    content: bytes, kind: str, path: textfile.Path
) -> Iterator[atom_records.File]:
    """Yields the models of the first data block with atoms.

    Args:
      content: of the file.
      kind: "mmCIF" or "BinaryCIF".
      path: of the file, for messages.

    Raises:
      ValueError, RuntimeError, IndexError: it is damaged, or has no atoms.
    """
    block = _block(content, kind, path)
    named = _name_apart(block)
    structure = gemmi.make_structure_from_block(block)
    codes = _codes(block)
    about = (_cif_date(block), *atom_records.about(structure), len(structure))
    for model in structure:
        sequences: dict[str, list[str]] = {}
        chains: dict[str, list[atom_records.Residue]] = {}
        for part in model:
            name, label = named[int(part.name)]
            entity = structure.get_entity(part[0].entity_id)
            names = _sequence(entity) or codes.get(part[0].entity_id, [])
            if names:
                sequences[label] = names
            polymer = label if names or _is_polymer(part, entity) else ""
            chains.setdefault(name, []).extend(atom_records.of_chain(part, polymer))
        yield atom_records.File(chains, sequences, *about)


def _block(content: bytes, kind: str, path: textfile.Path) -> gemmi.cif.Block:
    """Returns the first block with atoms."""
    document = (
        binary_cif.read(content)
        if kind == "BinaryCIF"
        else gemmi.cif.read_string(content)
    )
    blocks = [block for block in document if _column(block, "Cartn_x")]
    if not blocks:
        raise ValueError(
            f"no atoms are found in {len(document)} data blocks; {kind} is expected"
        )
    if len(blocks) > 1:
        _log.warning(
            "%s: %d data blocks have atoms; the first, %s, is read",
            path,
            len(blocks),
            blocks[0].name,
        )
    return blocks[0]


def _column(block: gemmi.cif.Block, *names: str) -> list[str]:
    """Returns a column of the atoms, the first that there is of names."""
    for name in names:
        if found := block.find_values(f"_{_ATOMS}.{name}"):
            return [gemmi.cif.as_string(cell) for cell in found]
    return []


def _sequence(entity: gemmi.Entity | None) -> list[str]:
    full = entity.full_sequence if entity else []
    return [gemmi.Entity.first_mon(each) for each in full]


def _is_polymer(part: gemmi.Chain, entity: gemmi.Entity | None) -> bool:
    """Tells whether a chain is one; if the file does not say it, by HETATM."""
    kind = entity.entity_type if entity else gemmi.EntityType.Unknown
    num_others = sum(residue.het_flag != "H" for residue in part)
    is_unknown = kind == gemmi.EntityType.Unknown
    return kind == gemmi.EntityType.Polymer or (is_unknown and num_others > 1)


def _name_apart(block: gemmi.cif.Block) -> dict[int, tuple[str, str]]:
    """Gives a number as a name to each chain of a label, and again as it starts again.

    Gemmi would put a residue's atoms into the one before of its number and name, also
    if that is of another polymer.

    Returns:
      The authors' name and the label, by number.
    """
    is_author = bool(block.find_values(f"_{_ATOMS}.auth_asym_id"))
    column = "auth_asym_id" if is_author else "label_asym_id"
    chain_N = _column(block, column)
    label_N = _column(block, "label_asym_id") or chain_N
    residue_N = zip(
        _column(block, "auth_seq_id", "label_seq_id"),
        _column(block, "pdbx_PDB_ins_code") or [""] * len(chain_N),
        _column(block, "label_comp_id", "auth_comp_id"),
        strict=True,
    )
    atom_N = zip(
        _column(block, "label_atom_id", "auth_atom_id"),
        _column(block, "label_alt_id") or [""] * len(chain_N),
        strict=True,
    )
    model_N = _column(block, "pdbx_PDB_model_num") or [""] * len(chain_N)
    starts = atom_records.Starts()
    number_of: dict[Hashable, int] = {}
    named: dict[int, tuple[str, str]] = {}
    cells = block.find_values(f"_{_ATOMS}.{column}")
    rows = zip(model_N, chain_N, label_N, residue_N, atom_N, strict=True)
    for index, (model, chain, label, residue, atom) in enumerate(rows):
        strand = (model, chain, label)
        starts.again(strand, residue, atom)
        number = number_of.setdefault((strand, starts.times(strand)), len(named))
        named[number] = (chain, label)
        cells[index] = str(number)
    return named


def _codes(block: gemmi.cif.Block) -> dict[str, list[str]]:
    """Returns names of residues by entity, of sequences in one-letter codes."""
    columns = ["entity_id", "type", "pdbx_seq_one_letter_code"]
    rows = [
        [gemmi.cif.as_string(cell) for cell in row]
        for row in block.find("_entity_poly.", columns)
    ]
    return {
        entity: [long or short for long, short in _CODES.findall(text)]
        for entity, kind, text in rows
        if "ribonucleotide" in kind
    }


def _cif_date(block: gemmi.cif.Block) -> str:
    for category, column in (
        ("_pdbx_audit_revision_history.", "revision_date"),
        ("_database_PDB_rev.", "date"),
    ):
        dates = [gemmi.cif.as_string(row[0]) for row in block.find(category, [column])]
        dates = [date for date in dates if re.fullmatch(r"\d{4}-\d\d-\d\d", date)]
        if dates:
            return min(dates)
    return ""
