"""Settings of `ssrlm fit_contacts`: contacts from attention maps, not fine-tuned."""

import dataclasses

from ssrlm_jax.config import checks


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContactsConfig:
    """The logistic regression of the paper (section 4.2) and what it is fitted on."""

    model: str = ""  # directory of a pre-trained model
    table: str = ""  # known structures: 20 train, 20 validate, the rest tests
    train: str = ""  # or tables of their own: 20 of these train,
    validation: str = ""  # 20 of these validate,
    test: str = ""  # and all of these test
    num_train: int = 20
    num_validation: int = 20
    draws: int = 10  # of the RNAs that train and validate
    min_separation: int = 6  # j - i of a pair, at least
    inverse_penalty: float = 0.15  # C of scikit-learn; the paper's lambda = 0.15
    intercept_scaling: float = 1_000.0  # liblinear penalises the intercept over this
    max_iterations: int = 1_000
    max_length: int = 500  # nucleotides; longer RNA is left out, and counted
    seed: int = 0

    def __post_init__(self) -> None:
        names = (
            "num_train num_validation draws min_separation inverse_penalty "
            "intercept_scaling max_iterations max_length"
        )
        for name in names.split():
            found = getattr(self, name)
            checks.check(found > 0, name, found, "is not greater than 0")
        checks.check(
            not (self.table and (self.train or self.validation or self.test)),
            "table",
            self.table,
            "does not go with train, validation or test",
        )
