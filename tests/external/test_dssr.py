import json

import numpy as np
import pytest

from ssrlm_jax.external import dssr
from ssrlm_jax.rna import coordinates


def _chain(name, numbers):
    return coordinates.Chain(
        name=name,
        letters="G" * len(numbers),
        numbers=numbers,
        is_seen_L=np.array([bool(number) for number in numbers]),
        gaps=(),
        modified=(),
        residue_N=np.empty(0, np.int32),
        name_N=np.empty(0, "U4"),
        xyz_N3=np.empty((0, 3), np.float32),
    )


CHAINS = (_chain("A", ("1", "", "47", "47A")), _chain("B", ("-1",)))


def test_pairs_go_by_chain_and_number(tmp_path):
    listed = [
        {"nt1": "A.G1", "nt2": "A.PSU47^A", "LW": "cWW"},
        {"nt1": "1:B.G-1", "nt2": "A.5MC47", "LW": "tHS"},
        {"nt1": "A.G1", "nt2": "C.G9", "LW": "cWW"},
        {"nt1": "A.G1", "nt2": "A.G47", "LW": "--"},
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"pairs": listed}))
    assert dssr.read(path, CHAINS) == [
        (0, 0, 0, 2, ""),
        (0, 0, 0, 3, "cWW"),
        (0, 2, 1, 0, "tSH"),
    ]


def test_a_file_without_pairs_has_none(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    assert dssr.read(tmp_path / "a.json", CHAINS) == []


@pytest.mark.parametrize("text", ["[1]", "{", '{"pairs": [{"nt1": "A.G1"}]}'])
def test_what_is_not_of_dssr_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match="a.json: DSSR's JSON"):
        dssr.read(tmp_path / "a.json", CHAINS)


def test_a_nucleotide_that_the_structure_has_twice_is_refused(tmp_path):
    chains = (_chain("A", ("1", "2")), _chain("A", ("2", "3")))
    path = tmp_path / "a.json"
    path.write_text('{"pairs": [{"nt1": "A.G1", "nt2": "A.G3", "LW": "cWW"}]}')
    assert dssr.read(path, chains) == [(0, 0, 1, 1, "cWW")]
    path.write_text('{"pairs": [{"nt1": "A.G1", "nt2": "A.G2", "LW": "cWW"}]}')
    with pytest.raises(ValueError, match=r"A\.G2 may be any of 2 nucleotides"):
        dssr.read(path, chains)
