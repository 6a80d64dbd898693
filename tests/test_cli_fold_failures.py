"""What `ssrlm fold` does where memory or a program fails in the middle."""

import pytest
import standing_predictor
import test_cli_fold

from ssrlm_jax.external import programs

loaded, fasta = test_cli_fold.loaded, test_cli_fold.fasta  # fixtures
trained, _ssrlm = test_cli_fold.trained, test_cli_fold._ssrlm


@pytest.mark.parametrize("window", [1, 8])
def test_what_memory_does_not_hold_is_reported_and_the_rest_folded(
    capsys, trained, fasta, monkeypatch, window
):
    import jax

    from ssrlm_jax.infer import row_model

    whole = row_model.RowModel.pairs_of_row

    def full(self, held, row):
        if "GGGGAAAACCCC" in row.sequences:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory\nmore")
        return whole(self, held, row)

    monkeypatch.setattr(row_model.RowModel, "pairs_of_row", full)
    monkeypatch.setattr(row_model, "WINDOWS", (window,))
    status, out, err = _ssrlm(capsys, "fold", fasta)
    assert status == 1
    assert [line.split()[0] for line in out.splitlines()[::3]] == [">a", ">e"]
    told = f"{fasta}:6: d: 12 nucleotides need more memory than there is"
    assert any(told in line for line in err)
    assert err[-1].startswith("ssrlm fold: 2 of 5 folded")


def test_a_program_that_fails_is_reported_for_its_record(
    capsys, loaded, monkeypatch, tmp_path
):
    whole = standing_predictor.Predictor.fold

    def fails(self, sequences, *rest):
        if any(len(one) == 12 for one in sequences):
            raise programs.ProgramError("ViennaRNA: no probabilities")
        return whole(self, sequences, *rest)

    monkeypatch.setattr(standing_predictor.Predictor, "fold", fails)
    lengths = {"a": 9, "b": 12, "c": 10, "d": 12, "e": 11}
    text = "".join(f">{name}\n{'G' * n}\n" for name, n in lengths.items())
    (tmp_path / "x").write_text(text)
    status, out, err = _ssrlm(capsys, "fold", tmp_path / "x")
    assert status == 1
    assert [line.split()[0] for line in out.splitlines()[::3]] == [">a", ">c", ">e"]
    assert [line for line in err if "no probabilities" in line] == [
        f"ssrlm fold: {tmp_path / 'x'}:{place}: {name}: ViennaRNA: no probabilities"
        for place, name in ((3, "b"), (7, "d"))
    ]
    assert err[-1].startswith("ssrlm fold: 3 of 5 folded")
