import pathlib
import tarfile

import pytest

from ssrlm_jax.rna import coordinates, pair_annotation, pair_kinds

DATA = pathlib.Path(__file__).parents[3] / "shared" / "data" / "tertiary"
HELIX = "train/1KXK.pdb"


@pytest.fixture
def chains(tmp_path):
    archive = DATA / "rsrnasp.tar.xz"
    if not archive.exists():
        pytest.skip(f"{archive} is absent")
    with tarfile.open(archive) as file:
        member = next(m for m in file.getmembers() if m.name.endswith(HELIX))
        content = file.extractfile(member)
        assert content
        path = tmp_path / "1KXK.pdb"
        path.write_bytes(content.read())
    return coordinates.read(path).chains


def test_two_annotators_agree_on_the_canonical_pairs_of_a_ribozyme(chains):
    rnapolis = pytest.importorskip("ssrlm_jax.external.rnapolis")
    pytest.importorskip("rnapolis.annotator")
    found = [
        {
            pair[:4]
            for pair in annotate(chains)
            if pair_kinds.kind(
                chains[pair.chain].letters[pair.i],
                chains[pair.other].letters[pair.j],
                pair.edges,
            )
            != "non-canonical"
        }
        for annotate in (pair_annotation.annotate, rnapolis.annotate)
    ]
    assert len(found[0]) >= 20
    assert len(found[0] & found[1]) >= 0.9 * len(found[0] | found[1])


def test_a_watson_crick_edge_is_in_one_canonical_pair(chains):
    used = [
        end
        for pair in pair_annotation.annotate(chains)
        if pair_kinds.kind(
            chains[pair.chain].letters[pair.i],
            chains[pair.other].letters[pair.j],
            pair.edges,
        )
        != "non-canonical"
        for end in ((pair.chain, pair.i), (pair.other, pair.j))
    ]
    assert len(used) == len(set(used))
