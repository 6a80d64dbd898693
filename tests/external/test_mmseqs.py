import os
import shutil

import numpy as np
import pytest
import stand_ins

from ssrlm_jax.external import mmseqs, programs
from ssrlm_jax.rna import formats

SEQUENCES = [one.sequence for one in formats.read_fasta(stand_ins.TOOLS / "mmseqs.fa")]
REPRESENTATIVES = [0, 1, 0, 1, 0, 0, 6, 7, 8, 0]  # mmseqs_linclust.tsv
HITS = [  # mmseqs_search.tsv
    (0, 0, 1.0, 1.0, 1.0),
    (1, 1, 1.0, 1.0, 1.0),
    (2, 0, 0.957, 0.992, 0.992),
    (3, 1, 0.955, 1.0, 1.0),
    (4, 0, 1.0, 1.0, 1.0),
    (9, 0, 1.0, 1.0, 0.5),
]
REPLAY = f"""
    import pathlib, shutil, sys
    tools = pathlib.Path({str(stand_ins.TOOLS)!r})
    words = sys.argv[1:]
    (pathlib.Path(__file__).parent / "call.log").write_text(" ".join(words))
    if words == ["version"]:
        print("14-7e284")
    elif words[0] == "easy-linclust":
        assert open(words[1]).read() == (tools / "mmseqs.fa").read_text()
        shutil.copy(tools / "mmseqs_linclust.tsv", words[2] + "_cluster.tsv")
    else:
        assert open(words[1]).read() == (tools / "mmseqs.fa").read_text()
        assert open(words[2]).read().count(">") == 3
        shutil.copy(tools / "mmseqs_search.tsv", words[3])
"""


@pytest.fixture(params=["replayed", "real"])
def settings(request, tmp_path):
    path = os.environ.get("SSRLM_MMSEQS") or shutil.which("mmseqs") or ""
    if request.param == "replayed":
        path = stand_ins.program(tmp_path, "mmseqs", REPLAY)
    elif not path:
        pytest.skip("mmseqs is not installed")
    return mmseqs.Settings(
        identity=0.8, coverage=0.8, coverage_mode=1, path=path, folder=str(tmp_path)
    )


def test_near_duplicates_share_a_representative(settings):
    found = mmseqs.cluster(iter(SEQUENCES), settings)
    np.testing.assert_array_equal(found, REPRESENTATIVES)


def test_rna_and_dna_are_the_same(settings):
    in_dna = [one.replace("U", "T").lower() for one in SEQUENCES]
    np.testing.assert_array_equal(mmseqs.cluster(in_dna, settings), REPRESENTATIVES)


def test_hits_say_who_how_similar_and_how_much(settings):
    settings = settings._replace(identity=0.3, coverage=0.0)
    found = mmseqs.search(SEQUENCES, SEQUENCES[:2], settings)
    for name, expected in zip(found.dtype.names, zip(*HITS, strict=True), strict=True):
        np.testing.assert_allclose(found[name], expected, rtol=1e-6)


def test_nothing_is_left_behind(settings, tmp_path):
    before = set(tmp_path.iterdir())
    mmseqs.cluster(SEQUENCES, settings)
    assert {path.name for path in set(tmp_path.iterdir()) - before} <= {"call.log"}


def test_it_tells_its_version(settings):
    assert mmseqs.version(settings.path)[0].isdigit()


@pytest.fixture
def real():
    if not (os.environ.get("SSRLM_MMSEQS") or shutil.which("mmseqs")):
        pytest.skip("mmseqs is not installed")
    return mmseqs.Settings(identity=0.8, coverage=0.8, coverage_mode=1, num_threads=2)


@pytest.mark.parametrize(
    "sequences", [[], [""], ["A"], ["A", "", "CG"], ["N" * 30, "RYSWKM" * 9]]
)
def test_what_cannot_be_similar_stays_alone(real, sequences):
    alone = np.arange(len(sequences))
    np.testing.assert_array_equal(mmseqs.cluster(sequences, real), alone)
    assert not len(mmseqs.search(sequences, sequences, real))
    assert not len(mmseqs.search(SEQUENCES, sequences, real))


def test_an_empty_sequence_does_not_shift_the_others(real):
    found = mmseqs.cluster(["", *SEQUENCES], real)
    np.testing.assert_array_equal(found, [0, *np.add(REPRESENTATIVES, 1)])
    hits = mmseqs.search(["", SEQUENCES[2]], ["", *SEQUENCES[:2]], real)
    assert hits[["query", "target"]].tolist() == [(1, 1)]


def test_the_number_of_threads_does_not_matter(real):
    one = mmseqs.cluster(SEQUENCES, real._replace(num_threads=1))
    np.testing.assert_array_equal(one, mmseqs.cluster(SEQUENCES, real))


def test_settings_reach_the_program(tmp_path):
    path = stand_ins.program(tmp_path, "mmseqs", REPLAY)
    mmseqs.cluster(SEQUENCES, mmseqs.Settings(0.75, 0.5, 2, 3, path))
    assert (tmp_path / "call.log").read_text() == (
        "easy-linclust in.fa out tmp --dbtype 2 --min-seq-id 0.75 -c 0.5 "
        "--cov-mode 2 --threads 3"
    )


def test_members_and_marked_clusters():
    representative_N = np.array([0, 3, 0, 3, 4])
    found = mmseqs.members(representative_N)
    assert {name: who.tolist() for name, who in found.items()} == {
        0: [0, 2],
        3: [1, 3],
        4: [4],
    }
    is_marked_N = np.array([False, True, False, False, False])
    np.testing.assert_array_equal(
        mmseqs.clusters_with(representative_N, is_marked_N),
        [False, True, False, True, False],
    )
    assert mmseqs.members(np.zeros(0, np.int64)) == {}


def test_the_nearest_target_is_the_first_of_the_most_similar():
    rows = [(1, 0, 0.5), (1, 2, 0.9), (1, 3, 0.9), (1, 4, 0.7), (2, 5, 0.3)]
    hits = np.zeros(len(rows), mmseqs.HIT)
    hits["query"], hits["target"], hits["identity"] = zip(*rows, strict=True)
    identity_N, target_N = mmseqs.nearest(hits, 4)
    np.testing.assert_array_equal(identity_N, np.float32([0, 0.9, 0.3, 0]))
    np.testing.assert_array_equal(target_N, [-1, 2, 5, -1])
    assert [len(one) for one in mmseqs.nearest(hits[:0], 0)] == [0, 0]


def test_a_sequence_longer_than_it_reads_is_refused(tmp_path):
    path = stand_ins.program(tmp_path, "mmseqs", REPLAY)
    settings = mmseqs.Settings(0.8, 0.8, 1, path=path)
    with pytest.raises(ValueError, match="sequence 2 has 65536 nucleotides; .* 65535"):
        mmseqs.cluster(["A", "A" * 65_536], settings)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("open('out_cluster.tsv', 'w').write('0\\t0')", "1 cluster members, 2 seq"),
        ("open('out_cluster.tsv', 'w').write('a\\tb')", "out_cluster.tsv"),
        ("", "out_cluster.tsv"),
        ("exit('Error: Prefilter died')", "exit status 1: Error: Prefilter died"),
    ],
)
def test_a_wrong_answer_is_refused(tmp_path, script, message):
    script = f"import sys\nexit = sys.exit\n{script}"
    path = stand_ins.program(tmp_path, "mmseqs", script)
    with pytest.raises(programs.ProgramError, match=message):
        mmseqs.cluster(["ACGU", "ACGU"], mmseqs.Settings(0.8, 0.8, 1, path=path))


def test_a_missing_program_is_said(monkeypatch):
    monkeypatch.delenv("SSRLM_MMSEQS", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(programs.ProgramError, match="^mmseqs: not found on PATH"):
        mmseqs.check()
