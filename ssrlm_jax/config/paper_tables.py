"""Settings of `ssrlm paper`: where data, models and results of before lie.

Which methods, sets and scores a table has is in its file in configs/paper/, as
`get_item`.
"""

import dataclasses

from ssrlm_jax.config import checks

_NAMED = ("models", "evaluated", "trained", "folded")  # NAME=PLACE, by commas


@dataclasses.dataclass(frozen=True, kw_only=True)
class PaperConfig:
    """Everything that `ssrlm paper` reads beside the table itself."""

    data: str = "data"  # folder of tables: secondary/bprna_TS0.tsv.gz and others
    models: str = ""  # NAME=DIR, separated by commas: directories of converted models
    evaluated: str = ""  # NAME=DIR, likewise: DIR/SET is an --out of `ssrlm evaluate`
    trained: str = ""  # NAME=FILE, likewise: a file of what trained a method, if ...
    # ... its own directory has hashes alone; a name as often as there are files
    train: str = ""  # files, for scores by identity; "": what trained the methods, ...
    # ... as far as it is at hand; needs MMseqs2
    structures: str = ""  # known structures for Fig. 4: folders or files, separated ...
    # ... by commas; "": DATA/tertiary/rna_puzzles
    structures_train: str = ""  # what trained on them, as `train` of evaluate3d
    folded: str = ""  # NAME=DIR, likewise: DIR has PDB or mmCIF files of predictions
    sweep: str = ""  # --out of `ssrlm sweep --config=sweeps/table3`, for Table 3
    folds: str = ""  # --out of `ssrlm sweep --config=sweeps/pdb_families`, for Fig. 3a
    time_limit: float = 600.0  # seconds for one RNA
    parallel: int = 1  # processes that predict
    seed: int = 0  # of the bootstrap

    def __post_init__(self) -> None:
        checks.check(
            self.parallel > 0, "parallel", self.parallel, "is not greater than 0"
        )
        checks.finite("time_limit", self.time_limit)
        checks.check(
            self.time_limit > 0, "time_limit", self.time_limit, "is not above 0"
        )
        checks.check(
            0 <= self.seed < 2**31, "seed", self.seed, "does not lie in 0..2^31-1"
        )
        for name in _NAMED:
            self._places(name)

    def told(self) -> list[str]:
        """Returns flags of what is set, as a page tells them: places without paths."""
        words = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value == field.default or field.name == "parallel":
                continue
            text = str(value)
            if field.name in _NAMED:
                of = "FILE" if field.name == "trained" else "DIR"
                text = ",".join(f"{name}={of}" for name, _ in self._places(field.name))
            elif isinstance(value, str):
                text = field.name.upper()
            words.append(f"--config.{field.name}={text}")
        return words

    def directories(self, name: str) -> dict[str, str]:
        """Returns directories by name, of "models", "evaluated" or "folded"."""
        return dict(self._places(name))

    def trained_files(self, method: str) -> tuple[str, ...]:
        """Returns the files of what trained a method, as `trained` says."""
        return tuple(place for name, place in self._places("trained") if name == method)

    def _places(self, name: str) -> list[tuple[str, str]]:
        text = getattr(self, name)
        what = "FILE" if name == "trained" else "DIR"
        parts = [part.partition("=") for part in text.split(",") if part]
        checks.check(
            all(method and mark and place for method, mark, place in parts),
            name,
            text,
            f"is not NAME={what}, separated by commas",
        )
        return [(method, place) for method, _, place in parts]
