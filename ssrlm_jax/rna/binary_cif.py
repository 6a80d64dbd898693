"""BinaryCIF → data blocks of gemmi; biotite decodes.

Source: the specification of BinaryCIF, Sehnal et al. 2020, PLoS Comput. Biol. 16(10).
"""

import io
from typing import TYPE_CHECKING

import gemmi

if TYPE_CHECKING:
    from biotite.structure.io import pdbx

_CATEGORIES = (  # of BinaryCIF, what is read of it
    *("atom_site", "entity", "entity_poly", "entity_poly_seq", "struct_asym", "exptl"),
    *("refine", "em_3d_reconstruction"),
    *("pdbx_audit_revision_history", "database_PDB_rev"),
)


def read(content: bytes) -> gemmi.cif.Document:
    """Returns a file's data blocks with what is read of structures.

    Raises:
      ValueError: it is no BinaryCIF, or is damaged.
    """
    from biotite.structure.io import pdbx  # a third of a second

    document = gemmi.cif.Document()
    try:
        file = pdbx.BinaryCIFFile.read(io.BytesIO(content))
        for name, block in file.items():
            into = document.add_new_block(name)
            for category in _CATEGORIES:
                if category in block:
                    columns = block[category].items()
                    table = {key: _cells(column) for key, column in columns}
                    into.set_mmcif_category(f"_{category}.", table)
    except Exception as error:  # of any kind: biotite checks little
        raise ValueError(f"damaged BinaryCIF ({error!r})") from error
    return document


def _cells(column: "pdbx.BinaryCIFColumn") -> list[str | bool | None]:
    """Returns values as gemmi takes them: False of ".", None of "?"."""
    told = column.data.array.astype(str).tolist()
    if column.mask is None:
        return list(told)
    mask = column.mask.array.tolist()
    return [(text, False, None)[kind] for text, kind in zip(told, mask, strict=True)]
