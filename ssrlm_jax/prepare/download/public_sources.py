"""Public places of RNA data: what is there, where, its licence, whom to cite.

One table. A checksum stands where the publisher gives one of the file; elsewhere the
length that the server announces is all there is to check. Sizes are rounded and grow
with each release.
"""

import dataclasses
import json
import pathlib
import re
import urllib.parse
from collections.abc import Iterable

_EBI = "https://ftp.ebi.ac.uk/pub/databases"
_RFAM = f"{_EBI}/Rfam/CURRENT"
_RCSB_QUERY = {
    "query": {
        "type": "terminal",
        "service": "text",
        "parameters": {
            "attribute": "rcsb_entry_info.polymer_entity_count_RNA",
            "operator": "greater",
            "value": 0,
        },
    },
    "request_options": {"results_verbosity": "compact", "return_all_hits": True},
    "return_type": "entry",
}
_RCSB_SEARCH = "https://search.rcsb.org/rcsbsearch/v2/query?json="


@dataclasses.dataclass(frozen=True, kw_only=True)
class File:
    """One file of a source.

    Attributes:
      url: where it is.
      name: what it is called here.
      md5: as published; "": none is.
      size: "9 GB", as far as known.
    """

    url: str
    name: str
    md5: str = ""
    size: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """One public place.

    Attributes:
      about: what it holds.
      licence: as its publisher states it.
      citation: what to cite.
      files: those of the whole set.
      each: address of the file of one entry, with {id}; "": there are none.
      entry: pattern that an id of an entry matches.
      entries: answer of a search whose entries are meant where none are named.
    """

    about: str
    licence: str
    citation: str
    files: tuple[File, ...] = ()
    each: str = ""
    entry: str = ""
    entries: File | None = None


def entry_file(source: Source, entry: str) -> File:
    """Returns the file of one entry.

    Raises:
      ValueError: the source has no entries, or `entry` is not an id of one.
    """
    if not source.each:
        raise ValueError(f"id {entry!r}: the files of this source go by no ids")
    if not re.fullmatch(source.entry, entry):
        raise ValueError(f"id {entry!r} does not match {source.entry}")
    url = source.each.format(id=entry)
    return File(url=url, name=url.rpartition("/")[2])


def ids(given: Iterable[str]) -> list[str]:
    """Returns ids given one by one, by commas, or as the lines of a file.

    Raises:
      ValueError: a file holds no id.
      OSError: a file cannot be read.
    """
    found: list[str] = []
    for part in (part for text in given for part in text.split(",") if part):
        if not pathlib.Path(part).is_file():
            found.append(part)
            continue
        inside = pathlib.Path(part).read_text().replace(",", " ").split()
        if not inside:
            raise ValueError(f"{part}: a file of ids is expected, found none")
        found += inside
    return list(dict.fromkeys(found))


def found_entries(path: pathlib.Path) -> list[str]:
    """Returns the ids in an answer of RCSB's search.

    Raises:
      ValueError: it is not such an answer, or holds no id.
    """
    try:
        result = json.loads(path.read_bytes())["result_set"]
        found = [
            str(hit if isinstance(hit, str) else hit["identifier"]) for hit in result
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not an answer of RCSB's search") from error
    if not found:
        raise ValueError(f"{path}: the search found no entry")
    return found


SOURCES: dict[str, Source] = {
    "rnacentral": Source(
        about="non-coding RNA of more than 50 databases, FASTA, one of each sequence",
        licence="CC0-1.0",
        citation="RNAcentral Consortium 2021, Nucleic Acids Research 49:D212",
        files=(
            File(
                url=f"{_EBI}/RNAcentral/current_release/sequences/rnacentral_active.fasta.gz",
                name="rnacentral_active.fasta.gz",
                size="about 9 GB",
            ),
        ),
    ),
    "rfam": Source(
        about="families: seed alignments, covariance models, clans; --ids=RF00001: "
        "the sequences of a family",
        licence="CC0-1.0",
        citation="Kalvari et al. 2021, Nucleic Acids Research 49:D192",
        files=tuple(
            File(url=f"{_RFAM}/{path}", name=path.rpartition("/")[2], size=size)
            for path, size in (
                ("Rfam.seed.gz", "10 MB"),
                ("Rfam.cm.gz", "30 MB"),
                ("Rfam.clanin", "4 kB"),
                ("database_files/family.txt.gz", "1 MB"),
            )
        ),
        each=f"{_RFAM}/fasta_files/{{id}}.fa.gz",
        entry=r"RF\d{5}",
    ),
    "rfam_fasta": Source(
        about="the sequences of all families of Rfam in one file",
        licence="CC0-1.0",
        citation="Kalvari et al. 2021, Nucleic Acids Research 49:D192",
        files=(File(url=f"{_RFAM}/fasta_files/Rfam.fa.gz", name="Rfam.fa.gz"),),
    ),
    "bprna": Source(
        about="bpRNA-1m, the SPOT-RNA split: TR0, VL0, TS0 as .st files",
        licence="not stated",
        citation="Danaee et al. 2018, Nucleic Acids Research 46:5381; "
        "Singh et al. 2019, Nature Communications 10:5407",
        files=(
            File(
                url="https://www.dropbox.com/s/w3kc4iro8ztbf3m/bpRNA_dataset.zip?dl=1",
                name="bpRNA_dataset.zip",
            ),
        ),
    ),
    "pdb_ss": Source(
        about="base pairs of the PDB, the SPOT-RNA split: TR1, VL1, TS1",
        licence="not stated",
        citation="Singh et al. 2019, Nature Communications 10:5407",
        files=(
            File(
                url="https://www.dropbox.com/s/vnq0k9dg7vynu3q/PDB_dataset.zip?dl=1",
                name="PDB_dataset.zip",
            ),
        ),
    ),
    "archiveii": Source(
        about="ArchiveII, 3,975 structures of ten families as .ct files",
        licence="not stated",
        citation="Sloma and Mathews 2016, RNA 22:1808",
        files=(
            File(
                url="https://rna.urmc.rochester.edu/pub/archiveII.tar.gz",
                name="archiveII.tar.gz",
            ),
        ),
    ),
    "mxfold2": Source(
        about="ArchiveII (3,966), canonical pairs of TR0, VL0, TS0 and bpRNA-new, all "
        "as .bpseq files",
        licence="CC-BY-4.0",
        citation="Sato et al. 2021, Nature Communications 12:941",
        files=(
            File(
                url="https://zenodo.org/api/records/4430150/files/mxfold2-data.tar.gz/content",
                name="mxfold2-data.tar.gz",
                md5="45a4d51f01517dd782216920ccc510b7",
                size="20 MB",
            ),
        ),
    ),
    "rna_puzzles": Source(
        about="RNA-Puzzles, native structures and submissions, standardised PDB files",
        licence="not stated",
        citation="Magnus et al. 2020, Nucleic Acids Research 48:576",
        files=(
            File(
                url="https://github.com/RNA-Puzzles/standardized_dataset/archive/"
                "master.tar.gz",
                name="rna_puzzles.tar.gz",
            ),
        ),
    ),
    "pdb": Source(
        about="mmCIF files of --ids; without --ids, of every entry that holds RNA, as "
        "RCSB's search lists them in entries.json",
        licence="CC0-1.0",
        citation="Berman et al. 2000, Nucleic Acids Research 28:235",
        each="https://files.rcsb.org/download/{id}.cif.gz",
        entry=r"[0-9][A-Za-z0-9]{3}",
        entries=File(
            url=_RCSB_SEARCH + urllib.parse.quote(json.dumps(_RCSB_QUERY)),
            name="entries.json",
        ),
    ),
}
