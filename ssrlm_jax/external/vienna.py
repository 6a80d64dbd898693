"""Folds by ViennaRNA, called as a library: no process is started.

Source: Lorenz et al. 2011, Algorithms Mol. Biol. 6:26. Windows: Bernhart, Hofacker and
Stadler 2006, Bioinformatics 22(5).
"""

import contextlib
import dataclasses
import hashlib
import math
import pathlib
import tempfile
import threading
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from ssrlm_jax.external import evidence as known
from ssrlm_jax.external import folded, programs, sequences
from ssrlm_jax.rna import probabilities, strands

if TYPE_CHECKING:
    import RNA

_Listed = probabilities.PairProbabilities
_Pairs = list[tuple[int, int, float]]  # i and j from 1, probability

METHODS = ("mfe", "centroid", "mea")
GAMMA = 1.0  # the default of RNAfold --MEA
# Sets of energy parameters that the library brings, and what loads them.
PARAMETERS = {
    "turner2004": "params_load_RNA_Turner2004",
    "andronescu2007": "params_load_RNA_Andronescu2007",
    "langdon2018": "params_load_RNA_Langdon2018",
}
_DEFAULT = "turner2004"
_NO_STRUCTURE = 1e4  # kcal/mol, what is told where there can be none
_MOST_EXPONENT = 700.0  # of a number that is one
_SAFE_EXPONENT = 600.0  # of a partition function of which no part overflows
_LOADING = threading.RLock()  # the library holds one set for the whole process


class Suboptimal(NamedTuple):
    """A structure, as dot-bracket, and its free energy in kcal/mol."""

    dot_bracket: str
    energy: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vienna:
    """A folder; see `folding_programs.Folder`. No pseudoknots.

    Attributes:
      method: "mfe" least free energy; "centroid" the pairs more probable than not;
        "mea" the greatest expected accuracy.
      gamma: of "mea", the weight of pairs against unpaired letters; 0: 1.0.
      temperature: degrees Celsius.
      parameters: of the energies; "turner2004" are measured ones (those of whoever has
        loaded others into the library, else), "andronescu2007" and "langdon2018" were
        fitted to known structures.

      evidence: of the one sequence, of one strand, that is folded.

    Raises:
      ValueError: a setting out of its range.
      ProgramError: ViennaRNA is not installed.
    """

    method: str = "mfe"
    gamma: float = 0.0
    temperature: float = 37.0
    parameters: str = _DEFAULT
    evidence: known.Evidence | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method={self.method!r} is not one of {METHODS}")
        if self.gamma < 0:
            raise ValueError(f"gamma={self.gamma!r} is < 0")
        if not -273.15 < self.temperature <= 100:
            raise ValueError(
                f"temperature={self.temperature!r} does not lie in -273.15..100"
            )
        if self.parameters not in PARAMETERS:
            raise ValueError(
                f"parameters={self.parameters!r} is not one of {tuple(PARAMETERS)}"
            )
        _library()

    def fold(
        self,
        sequences: Sequence[str],
        *,
        with_probabilities: bool = False,
        least: float = probabilities.LEAST,
    ) -> list[folded.Folded]:
        """Folds sequences; see `folding_programs.Folder`. '&' stands between strands.

        Raises:
          ProgramError: also where the partition function overflows.
        """
        with self._loaded():
            return folded.fold(
                "ViennaRNA",
                sequences,
                self._predict,
                with_probabilities,
                least,
                has_strands=True,
            )

    def maps(self, given: Sequence[str], least: float) -> list[_Listed]:
        """Returns probabilities of pairs as `fold`, and of nothing else.

        The structure of least free energy, a third of the time of 100 nt, is not looked
        for, but where the partition function needs its energy. Arguments and errors as
        `fold`.
        """
        read = [sequences.read_strands(*one) for one in enumerate(given, 1)]
        with self._loaded():
            return [self._map(*one, least) for one in enumerate(read, 1)]

    def _map(self, number: int, letters: str, least: float) -> _Listed:
        pairs = self._pairs(letters, least) if letters else []
        try:
            return folded.listed(len(strands.joined(letters)), pairs, least)
        except ValueError as error:
            raise programs.ProgramError(
                f"ViennaRNA, sequence {number} of the call: {error}"
            ) from error

    def _pairs(self, letters: str, least: float) -> _Pairs:
        if self.evidence is None and strands.MARK not in letters:
            compound = _library().fold_compound(letters, self._model())
            _, ensemble = compound.pf()
            scale = compound.exp_params  # from a guess of the energy of a nucleotide
            exponent = len(letters) * math.log(scale.pf_scale)
            if abs(exponent + 1_000 * ensemble / scale.kT) < _SAFE_EXPONENT:
                return _listed(compound, least)
        return self._predict_one(letters, least).pairs or []

    def local(self, letters: str, *, window: int, span: int, least: float) -> _Listed:
        """Returns probabilities of pairs, each the mean over the windows that hold it.

        Time grows with the length only.

        Args:
          letters: A C G U N.
          window: nucleotides.
          span: j - i of a pair, at most.
          least: of a probability that is listed.
        """
        library = _library()
        found: list[tuple[int, int, float]] = []

        def add(
            row: list[float], _: int, i: int, __: int, what: int, ___: object
        ) -> None:
            if what & library.PROBS_WINDOW_BPP:
                found.extend((i, j, p) for j, p in enumerate(row) if p and p >= least)

        with self._loaded():
            model = self._model()
            model.window_size = min(window, len(letters))
            spans = [span, len(letters), self.evidence and self.evidence.max_span]
            model.max_bp_span = min(one for one in spans if one)
            compound = library.fold_compound(letters, model, library.OPTION_WINDOW)
            self._tell(compound, letters, library.OPTION_WINDOW)
            compound.probs_window(0, library.PROBS_WINDOW_BPP, add, None)
        return folded.listed(len(letters), found, least)

    def ensemble(self, letters: str) -> float:
        """Returns the free energy of the ensemble of one strand, in kcal/mol."""
        with self._loaded():
            compound = _library().fold_compound(letters, self._model())
            self._tell(compound, letters, _library().OPTION_DEFAULT)
            _, energy = compound.mfe()
            compound.exp_params_rescale(energy)
            return float(compound.pf()[1])

    def sample(self, letters: str, number: int, seed: int) -> list[str]:
        """Returns structures drawn from the ensemble, as dot-bracket.

        Args:
          letters: A C G U N, of one strand.
          number: of structures.
          seed: of the draws, from 1; the library has one generator for all.
        """
        library = _library()
        with self._loaded():
            compound = self._unique(letters)
            _, energy = compound.mfe()
            compound.exp_params_rescale(energy)
            compound.pf()
            library.init_rand(seed)
            return list(compound.pbacktrack(number))

    def minimum(self, letters: str) -> Suboptimal:
        """Returns the structure of least free energy.

        Args:
          letters: A C G U N, of one strand.
        """
        with self._loaded():
            found = self._state(letters, None)
        return Suboptimal(found.prediction.dot_bracket, found.energy)

    def suboptimal(self, letters: str, within: float, most: int) -> list[Suboptimal]:
        """Returns the structures of least free energy, the least first.

        Args:
          letters: A C G U N, of one strand.
          within: kcal/mol above the least; their number grows exponentially with it.
          most: of structures that are returned.
        """
        with self._loaded():
            found = self._unique(letters).subopt(round(within * 100))
            return [Suboptimal(one.structure, one.energy) for one in found[:most]]

    def consensus(self, rows: Sequence[str]) -> Suboptimal:
        """Returns what RNAalifold says of aligned sequences.

        Args:
          rows: equally long, "-" for a gap.
        """
        with self._loaded():
            dots, energy = _library().fold_compound(list(rows), self._model()).mfe()
        return Suboptimal(dots, energy)

    def columns(self, rows: Sequence[str], least: float) -> _Listed:
        """Returns what RNAalifold says of pairs of columns.

        Args:
          rows: as `consensus`.
          least: of a probability that is listed.
        """
        with self._loaded():
            compound = _library().fold_compound(list(rows), self._model())
            _, energy = compound.mfe()
            compound.exp_params_rescale(energy)  # long alignments overflow without it
            compound.pf()
            pairs = _listed(compound, least)
        return folded.listed(len(rows[0]), pairs, least)

    def _unique(self, letters: str) -> "RNA.fold_compound":
        """Returns a compound of which every structure is counted once."""
        model = self._model()
        model.uniq_ML = 1
        compound = _library().fold_compound(letters, model)
        self._tell(compound, letters, _library().OPTION_DEFAULT)
        return compound

    def describe(self) -> dict[str, object]:
        """Returns program, version and settings, for manifests."""
        settings: dict[str, object] = {
            "program": "ViennaRNA",
            "version": _library().__version__,
            "method": self.method,
            "temperature": self.temperature,
        }
        if self.method == "mea":
            settings["gamma"] = self.gamma or GAMMA
        if self.parameters != _DEFAULT:
            settings["parameters"] = self.parameters
        return settings

    @contextlib.contextmanager
    def _loaded(self) -> Iterator[None]:
        """Has the library use these parameters; afterwards its own ones again."""
        if self.parameters == _DEFAULT:
            with _LOADING:
                yield
            return
        with _LOADING:
            try:
                getattr(_library(), PARAMETERS[self.parameters])()
                yield
            finally:
                getattr(_library(), PARAMETERS[_DEFAULT])()

    def _model(self) -> "RNA.md":
        model = _library().md()
        model.temperature = self.temperature
        if self.evidence is not None and self.evidence.max_span:
            model.max_bp_span = self.evidence.max_span
        return model

    def _tell(self, compound: "RNA.fold_compound", letters: str, options: int) -> None:
        if self.evidence is not None:
            self.evidence.check(len(letters))
            self.evidence.tell(_library(), compound, options)

    def _predict(
        self, letters: list[str], least: float | None
    ) -> list[folded.Prediction]:
        return [self._predict_one(one, least) for one in letters]

    def _predict_one(self, letters: str, least: float | None) -> folded.Prediction:
        found = self._state(letters, least)
        parts = letters.split(strands.MARK)
        if len(parts) == 1:
            return found.prediction
        return self._together(found, [self._state(one, least) for one in parts], parts)

    def _together(
        self, bound: "_State", apart: "list[_State]", parts: list[str]
    ) -> folded.Prediction:
        """Returns what two strands do, which bind or do not, in the standard state."""
        dots = "".join(one.prediction.dot_bracket for one in apart)
        energy = sum(one.energy for one in apart)
        is_bound = bound.energy < energy
        if bound.prediction.pairs is None:
            return bound.prediction if is_bound else folded.Prediction(dots, None)
        gain = sum(one.ensemble for one in apart) - bound.ensemble
        kT = _library().GASCONST * (self.temperature + _library().K0) / 1000.0
        share = 1.0 / (1.0 + math.exp(min(-gain / kT, _MOST_EXPONENT)))
        found = {(i, j): share * p for i, j, p in bound.prediction.pairs}
        begin = 0
        for one, letters in zip(apart, parts, strict=True):
            for i, j, p in one.prediction.pairs or ():
                pair = (begin + i, begin + j)
                found[pair] = found.get(pair, 0.0) + (1.0 - share) * p
            begin += len(letters)
        chosen = bound.prediction.dot_bracket if share > 0.5 else dots
        return folded.Prediction(chosen, [(i, j, p) for (i, j), p in found.items()])

    def _state(self, letters: str, least: float | None) -> "_State":
        """Returns what a strand does, or two that are bound to each other."""
        compound = _library().fold_compound(letters, self._model())
        self._tell(compound, letters, _library().OPTION_DEFAULT)
        dots, energy = compound.mfe()
        length, is_one = len(strands.joined(letters)), strands.MARK not in letters
        dots = dots or "." * length  # of two letters it says nothing
        if least is None and self.method == "mfe":
            return _State(folded.Prediction(dots, None), energy, energy)
        if energy < _NO_STRUCTURE:  # or two strands have no pair
            compound.exp_params_rescale(energy)  # long sequences overflow without it
            _, ensemble = compound.pf()
        else:
            ensemble = math.inf
        # It does not fail by itself. Of two strands it counts a little otherwise.
        is_found = ensemble <= energy + 0.01 if is_one else ensemble > -math.inf
        if not is_found:
            raise programs.ProgramError(
                f"ViennaRNA: no probabilities for a sequence of {length} letters"
            )
        if ensemble == math.inf:
            nothing = folded.Prediction("." * length, None if least is None else [])
            return _State(nothing, energy, ensemble)
        if self.method == "centroid":
            dots, _ = compound.centroid()
        elif self.method == "mea":
            dots, _ = compound.MEA(self.gamma or GAMMA)
        pairs = None
        if least is not None:
            pairs = _listed(compound, least)
        return _State(folded.Prediction(dots, pairs), energy, ensemble)


def _listed(compound: "RNA.fold_compound", least: float) -> _Pairs:
    return [(pair.i, pair.j, pair.p) for pair in compound.plist_from_probs(least)]


def state() -> str:
    """Returns what the library folds by, of what can be changed in it, as a digest."""
    library = _library()
    model = library.md()
    names = [name for name in dir(model) if not name.startswith("_")]
    values = [(name, getattr(model, name)) for name in names]
    settings = [one for one in values if isinstance(one[1], int | float)]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "parameters")
        with _LOADING:  # its own, and not those that a thread folds with
            library.params_save(str(path))
        digest = hashlib.sha256(path.read_bytes())
    digest.update(repr((library.__version__, settings)).encode())
    return digest.hexdigest()


class _State(NamedTuple):
    """A prediction, and the free energies of its structure and of all; kcal/mol."""

    prediction: folded.Prediction
    energy: float
    ensemble: float


def _library() -> ModuleType:
    try:
        import RNA
    except ImportError as error:
        raise programs.ProgramError(
            "ViennaRNA is not installed: pip install ViennaRNA"
        ) from error
    return RNA
