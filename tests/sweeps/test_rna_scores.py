"""What commands write of each RNA, read as sums."""

import pytest
import tiny_sweep

from ssrlm_jax.sweeps import chains, rna_scores


def read(out, command, column, method="model"):
    measure = chains.Measure(name="it", step="step", column=column, method=method)
    made = tiny_sweep.job(command, name="step-0", step="step")
    return rna_scores.read(out, made, measure)


def write(out, path, *lines):
    file = out / "jobs" / "step-0" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join("\t".join(line.split()) for line in lines) + "\n")


def test_hidden_nucleotides_weigh_a_loss(tmp_path):
    write(
        tmp_path,
        "scores/model.tsv",
        "id length hidden sum_loss hidden_paired sum_loss_paired",
        "1 80 10 12.0 4 2.0",
        "2 60 8 8.0 0 0.0",
        "3 70 9 9.0 6 9.0",
    )
    found = read(tmp_path, "held_out", "loss_paired")
    assert found.value == 11.0 / 10
    assert found.length_N.tolist() == [80, 60, 70]
    assert found.of_each[:1].tolist() == [0.5]
    assert read(tmp_path, "held_out", "loss").value == pytest.approx(29 / 27)


def test_contacts_are_means_over_draws(tmp_path):
    lines = (
        "draw\tid\tlength\tall P@true",
        "1\tb\t50\t0.2",
        "1\ta\t40\t0.4",
        "2\ta\t40\t0.8",
        "2\tc\t30\t",
    )
    file = tmp_path / "jobs" / "step-0" / "model" / "contacts.tsv"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(lines) + "\n")
    found = read(tmp_path, "fit_contacts", "all P@true")
    assert found.names == ("a", "b", "c")
    assert found.of_each[:2] == pytest.approx([0.6, 0.2])
    assert found.value == pytest.approx(0.4)


def test_a_missing_column_and_another_command_are_told(tmp_path):
    write(tmp_path, "scores/model.tsv", "id length f1", "a 9 nan")
    assert read(tmp_path, "evaluate", "f1").sums_N2.tolist() == [[0.0, 0.0]]
    with pytest.raises(ValueError, match="has no column 'f2'"):
        read(tmp_path, "evaluate", "f2")
    with pytest.raises(ValueError, match="pretrain scores no RNA; held_out, evaluate"):
        read(tmp_path, "pretrain", "f1")
