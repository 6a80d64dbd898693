"""An A-form duplex of ten pairs as files of any format, for tests to change.

Nucleotides 1 to 10 are GGCAUCGAGC, 15 to 24 GCUCGAUGCC; 1 pairs with 24 and so on, and
UUCG between the strands was not seen. The first nucleotide has no phosphate.
"""

import dataclasses
import io
import pathlib
from collections.abc import Iterable, Sequence

from biotite.structure.io import pdbx

PATH = pathlib.Path(__file__).parent / "fixtures" / "duplex.pdb"
LETTERS = "GGCAUCGAGCGCUCGAUGCC"
WHOLE = "GGCAUCGAGCUUCGGCUCGAUGCC"


@dataclasses.dataclass(frozen=True)
class Atom:
    """A line of a file; `label` and `place` are of mmCIF only."""

    name: str
    residue: str
    number: int
    xyz: tuple[float, float, float]
    chain: str = "A"
    code: str = " "
    other: str = " "  # letter of an alternative place
    occupancy: float = 1.0
    is_hetero: bool = False
    segment: str = ""
    label: str = "A"
    entity: str = "1"
    place: int = 0


def atoms() -> list[Atom]:
    """Returns the atoms of the duplex."""
    return [
        Atom(
            line[12:16].strip(),
            line[17:20].strip(),
            int(line[22:26]),
            (float(line[30:38]), float(line[38:46]), float(line[46:54])),
        )
        for line in PATH.read_text().splitlines()
        if line.startswith("ATOM")
    ]


def changed(given: Iterable[Atom], **values) -> list[Atom]:
    """Returns atoms with other values; a value may be a function of the atom."""
    return [
        dataclasses.replace(
            one, **{k: v(one) if callable(v) else v for k, v in values.items()}
        )
        for one in given
    ]


def pdb(given: Iterable[Atom | str], sequence: Sequence[str] = ()) -> str:
    """Returns a PDB file; lines that are given as text are taken over."""
    names = [f"{name:>3}" for name in sequence]
    lines = [
        f"SEQRES{n // 13 + 1:4d} A {len(names):4d}  {' '.join(names[n : n + 13])}"
        for n in range(0, len(names), 13)
    ]
    for number, one in enumerate(given, 1):
        if isinstance(one, str):
            lines.append(one)
            continue
        name = f" {one.name:<3}" if len(one.name) < 4 else one.name
        x, y, z = one.xyz
        lines.append(
            f"{'HETATM' if one.is_hetero else 'ATOM':<6}{number:5d} {name}{one.other}"
            f"{one.residue:>3} {one.chain}{one.number:4d}{one.code}   "
            f"{x:8.3f}{y:8.3f}{z:8.3f}{one.occupancy:6.2f}{0:6.2f}      "
            f"{one.segment:<4}{one.name[0]:>2}"
        )
    return "\n".join([*lines, "END"]) + "\n"


def cif(
    given: Iterable[Atom], sequences: dict[str, Sequence[str]] | None = None
) -> str:
    """Returns an mmCIF file; sequences by entity, which make it a polymer."""
    lines = ["data_test"]
    if sequences:
        lines += ["loop_", "_entity.id", "_entity.type"]
        lines += [f"{entity} polymer" for entity in sequences]
        lines += ["loop_", "_entity_poly.entity_id", "_entity_poly.type"]
        lines += [f"{entity} polyribonucleotide" for entity in sequences]
        lines += ["loop_"]
        lines += [f"_entity_poly_seq.{n}" for n in ("entity_id", "num", "mon_id")]
        lines += [
            f"{entity} {number} {name}"
            for entity, names in sequences.items()
            for number, name in enumerate(names, 1)
        ]
    columns = (
        "group_PDB id type_symbol label_atom_id label_alt_id label_comp_id "
        "label_asym_id label_entity_id label_seq_id pdbx_PDB_ins_code Cartn_x Cartn_y "
        "Cartn_z occupancy auth_seq_id auth_asym_id"
    )
    lines += ["loop_", *(f"_atom_site.{name}" for name in columns.split())]
    for number, one in enumerate(given, 1):
        fields = (
            "HETATM" if one.is_hetero else "ATOM", number, one.name[0],
            f'"{one.name}"', one.other.strip() or ".", one.residue, one.label,
            one.entity, one.place or ".", one.code.strip() or "?", *one.xyz,
            one.occupancy, one.number, one.chain,
        )  # fmt: skip
        lines.append(" ".join(map(str, fields)))
    return "\n".join(lines) + "\n"


def binary(text: str) -> bytes:
    """Returns BinaryCIF of mmCIF, by biotite."""
    given = pdbx.CIFFile.read(io.StringIO(text))
    blocks = {}
    for name, block in given.items():
        blocks[name] = pdbx.BinaryCIFBlock(
            {
                category: pdbx.BinaryCIFCategory(
                    {
                        key: pdbx.BinaryCIFColumn(
                            column.data.array,
                            column.mask.array if column.mask else None,
                        )
                        for key, column in block[category].items()
                    }
                )
                for category in block
            }
        )
    written = io.BytesIO()
    pdbx.BinaryCIFFile(blocks).write(written)
    return written.getvalue()
