"""What folding programs say of pairs, as evidence for a pair head.

For each sequence and program a list of probable pairs. Rounded to float16, so that what
comes from the disk is what was computed. Kept by hash of the sequence, the program and
its settings: what is there is never computed again.
"""

import concurrent.futures
import dataclasses
import functools
import hashlib
import json
import multiprocessing
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from ssrlm_jax import config, files
from ssrlm_jax.external import (
    evidence,
    folding_programs,
    kept_maps,
    programs,
    relatives,
    sequences,
    vienna,
    vienna_maps,
    vienna_workers,
)
from ssrlm_jax.rna import probabilities, strands

LEAST = 1e-4  # of a pair that is listed
_SHOWN = ("version", "parameters")  # of programs, for people
_AT_ONCE = 64  # sequences that a process gets; parameters are loaded once for all

Listed = probabilities.PairProbabilities
Report = Callable[[int, int], None]  # sequences that are done, and all


@dataclasses.dataclass(frozen=True, kw_only=True)
class Energies:
    """Folding programs that give pair probabilities; called with sequences.

    Attributes:
      names: of `folding_programs.FOLDERS`, or "relatives"; at least one.
      temperature: degrees Celsius; programs other than ViennaRNA know 37 only.
      longest: nucleotides of RNA that is folded as a whole; longer RNA is folded
        locally, which ViennaRNA alone can do.
      window: nucleotides, of local folding.
      span: j - i of a pair, at most, of local folding.
      folder: where maps are kept; "" keeps none.
      memory: RNA with known structures, of "relatives".
      unseen: where that RNA is what is trained on, the share that is shown without
        relatives, see `relatives.Relatives`; None: it is not.

    Raises:
      ValueError: another temperature than a program knows; no memory where it is asked.
      ProgramError: a program is missing, or gives no probabilities.
    """

    names: tuple[str, ...]
    temperature: float = 37.0
    longest: int = 1_500
    window: int = 600
    span: int = 400
    folder: str = ""
    memory: relatives.Memory | None = None
    unseen: float | None = None

    def __post_init__(self) -> None:
        for folder in self._folders:
            folder.fold([], with_probabilities=True)

    def __call__(
        self,
        given: Sequence[str],
        known: Sequence[evidence.Evidence | None] | None = None,
    ) -> list[tuple[Listed, ...]]:
        """Returns for each sequence what each program says of its pairs.

        What is said with evidence is not kept.

        Args:
          given: letters as `rna.alphabet` reads them; '&' between two strands.
          known: evidence of each; None: there is none.

        Raises:
          ValueError: a gap; two strands, and a program that knows one.
          ProgramError: a program failed, or cannot fold so long an RNA.
        """
        read = [
            sequences.read_strands(number, one) for number, one in enumerate(given, 1)
        ]
        alone = list(read)  # what ViennaRNA folds without evidence
        for index, one in enumerate(known or ()):
            alone[index] = alone[index] if one is None else ""
        ahead = self._ahead(alone)
        columns = [
            self._of_program(
                name,
                folder,
                alone if isinstance(folder, vienna.Vienna) else read,
                ahead,
            )
            for name, folder in zip(self.names, self._folders, strict=True)
        ]
        found = list(zip(*columns, strict=True))
        for index, one in enumerate(known or ()):
            if one is not None:
                found[index] = self._guided(read[index], found[index], one)
        return found

    def aligned(self, rows: Sequence[str]) -> dict[str, Listed]:
        """Returns what programs say of pairs of columns, by names of those that can.

        ViennaRNA's RNAalifold sees which columns change together.

        Args:
          rows: equally long, "-" for a gap.
        """
        return {
            name: folder.columns(rows, LEAST)
            for name, folder in zip(self.names, self._folders, strict=True)
            if isinstance(folder, vienna.Vienna)
        }

    def _guided(
        self, letters: str, said: tuple[Listed, ...], known: evidence.Evidence
    ) -> tuple[Listed, ...]:
        """Returns what each program says of one RNA if it is told what is known."""
        known.check(len(letters))
        told = {
            name: dataclasses.replace(folder, evidence=known)
            for name, folder in zip(self.names, self._folders, strict=True)
            if isinstance(folder, vienna.Vienna) and name not in known.said
        }
        ahead = vienna_maps.ahead(
            {name: (folder, [letters]) for name, folder in told.items()}, self._limits
        )
        found = []
        for name, listed in zip(self.names, said, strict=True):
            if name in known.said:
                found.append(kept_maps.rounded(known.said[name]))
            elif (name, letters) in ahead:
                found.append(kept_maps.rounded(ahead[name, letters]))
            elif name in told:
                found.append(
                    kept_maps.rounded(self._fold(name, told[name], [letters])[0])
                )
            else:  # it takes no evidence, so that what it says is weighed instead;
                # forced pairs alone, the head would read, are all that a relative has
                weighed = known.shifted(listed, 1.0, is_forced=False)
                found.append(kept_maps.rounded(weighed))
        return tuple(found)

    @property
    def max_length(self) -> int | None:
        """Nucleotides of the longest RNA; None: any, as all programs fold locally."""
        return None if all(map(_is_for_any_length, self._folders)) else self.longest

    @property
    def max_joined_length(self) -> int:
        """Nucleotides of two strands, which no program folds locally; 0: none does."""
        return self.longest if self.max_length is None else 0

    def nearest(self, letters: str) -> list[relatives.Relative]:
        """Returns the relatives of a sequence, as `relatives.Relatives.of`.

        Args:
          letters: as `rna.alphabet` reads them; none if none are looked for.

        Raises:
          ValueError: a letter that is not of RNA.
        """
        read = sequences.read(1, strands.joined(letters))
        for folder in self._folders:
            if isinstance(folder, relatives.Relatives) and read:
                return folder.of(read)
        return []

    def describe(self) -> list[dict[str, object]]:
        """Returns each program, its version and its settings."""
        return [dict(folder.describe()) for folder in self._folders]

    def fill(
        self, given: Iterable[str], report: Report, num_processes: int | None = None
    ) -> None:
        """Computes what is not kept yet, in processes of its own.

        Args:
          given: as above.
          report: gets how many sequences are done, now and then.
          num_processes: None: one for each core.

        Raises:
          ValueError: nothing is kept; as above.
        """
        if not self.folder:
            raise ValueError("energies are kept nowhere: folder is empty")
        distinct = dict.fromkeys(sequences.read(n, one) for n, one in enumerate(given))
        missing = [one for one in distinct if not self._is_kept(one)]
        missing.sort(key=len, reverse=True)  # the last ones to end are short
        parts = [missing[n : n + _AT_ONCE] for n in range(0, len(missing), _AT_ONCE)]
        if not parts:
            return
        with concurrent.futures.ProcessPoolExecutor(
            min(len(parts), num_processes or os.cpu_count() or 1),
            multiprocessing.get_context("spawn"),
            initializer=programs.end_with_parent,
        ) as pool:
            waiting = [pool.submit(_fill, self, part) for part in parts]
            done = 0
            try:
                for one in concurrent.futures.as_completed(waiting):
                    done += one.result()
                    report(done, len(missing))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    @functools.cached_property
    def _folders(self) -> list[folding_programs.Folder]:
        folders: list[folding_programs.Folder] = []
        for name in self.names:
            if name == relatives.NAME:
                folders.append(self._relatives())
                continue
            one = folding_programs.FOLDERS[name]()
            if isinstance(one, vienna.Vienna):
                one = dataclasses.replace(one, temperature=self.temperature)
            elif self.temperature != 37.0:
                raise ValueError(
                    f"temperature={self.temperature:g}: {name} knows 37 degrees only"
                )
            folders.append(one)
        return folders

    def _relatives(self) -> relatives.Relatives:
        if self.memory is None:
            raise ValueError(
                "no RNA with known structures was given to find relatives in"
            )
        is_training = self.unseen is not None
        return relatives.Relatives(
            memory=self.memory, leaves_out_itself=is_training, unseen=self.unseen or 0.0
        )

    @functools.cached_property
    def _keys(self) -> dict[str, str]:
        """What the results of each program depend on, but for the sequence."""
        local = [self.longest, self.window, self.span]
        return {
            name: json.dumps([folder.describe(), local, LEAST], sort_keys=True)
            for name, folder in zip(self.names, self._folders, strict=True)
        }

    def _path(self, name: str, letters: str) -> pathlib.Path:
        text = f"{self._keys[name]}\n{letters}".encode()
        digest = hashlib.sha256(text).hexdigest()[:32]
        return pathlib.Path(self.folder) / digest[:2] / f"{digest}.npy"

    def _is_kept(self, letters: str) -> bool:
        return all(self._path(name, letters).exists() for name in self.names)

    @functools.cached_property
    def _limits(self) -> vienna_maps.Limits:
        return vienna_maps.Limits(
            longest=self.longest, window=self.window, span=self.span, least=LEAST
        )

    def _ahead(self, given: Sequence[str]) -> dict[tuple[str, str], Listed]:
        """Returns what ViennaRNA's workers say of sequences, as `vienna_maps.ahead`."""
        folders = {
            name: folder
            for name, folder in zip(self.names, self._folders, strict=True)
            if isinstance(folder, vienna.Vienna)
        }
        # Before files of each sequence are looked for.
        if not vienna_workers.are_useful([len(one) for one in given] * len(folders)):
            return {}
        wanted = {n: (one, self._missing(n, given)) for n, one in folders.items()}
        return vienna_maps.ahead(wanted, self._limits)

    def _missing(self, name: str, given: Sequence[str]) -> list[str]:
        """Returns the distinct sequences of which nothing is kept."""
        distinct = [one for one in dict.fromkeys(given) if one]
        if self.folder:
            return [one for one in distinct if not self._path(name, one).exists()]
        return distinct

    def _of_program(
        self,
        name: str,
        folder: folding_programs.Folder,
        read: Sequence[str],
        ahead: Mapping[tuple[str, str], Listed],
    ) -> list[Listed]:
        if name == relatives.NAME:  # are looked for of strands as if they were one
            read = [strands.joined(letters) for letters in read]
        found: dict[str, Listed] = {}
        for letters in dict.fromkeys(read):
            listed = kept_maps.read(self._path(name, letters)) if self.folder else None
            if listed is not None:
                found[letters] = listed
        missing = [letters for letters in dict.fromkeys(read) if letters not in found]
        new = {one: ahead[name, one] for one in missing if (name, one) in ahead}
        rest = [letters for letters in missing if letters not in new]
        new |= zip(rest, self._fold(name, folder, rest), strict=True)
        for letters, listed in new.items():
            found[letters] = kept_maps.rounded(listed)
            if self.folder:
                kept_maps.write(self._path(name, letters), found[letters])
        return [found[letters] for letters in read]

    def _fold(
        self, name: str, folder: folding_programs.Folder, distinct: Sequence[str]
    ) -> list[Listed]:
        """Returns what a program says of sequences, the long ones folded locally."""
        if isinstance(folder, vienna.Vienna):
            return vienna_maps.listed(folder, self._limits, distinct)
        longest = sys.maxsize if name == relatives.NAME else self.longest
        for letters in distinct:
            if (length := len(strands.joined(letters))) > longest:
                raise programs.ProgramError(
                    f"{name} does not fold locally: {length:,} nucleotides found, up "
                    f"to {self.longest:,} are accepted"
                )
        if not distinct:  # a program takes longer to start than what is kept to be read
            return []
        found = folder.fold(distinct, with_probabilities=True, least=LEAST)
        kept = [one.probabilities for one in found if one.probabilities is not None]
        assert len(kept) == len(distinct), "they were asked for"
        return kept


def build(
    settings: config.HeadConfig,
    folder: str = "",
    memory: relatives.Memory | None = None,
) -> Energies | None:
    """Returns what gives the energies that a head reads; None where it reads none.

    Args:
      settings: of the head.
      folder: where maps are kept; "~" is the home, "" keeps none.
      memory: see `Energies`.

    Raises:
      As `Energies`; ValueError: also where "~" is asked for and there is no home.
    """
    if not settings.energies:
        return None
    return Energies(
        names=settings.energies,
        temperature=settings.energy_temperature,
        longest=settings.energy_longest,
        window=settings.energy_window,
        span=settings.energy_span,
        folder=str(files.expanded(folder)) if folder else "",
        memory=memory,
    )


def changed(
    trained: Sequence[Mapping[str, object]], now: Sequence[Mapping[str, object]]
) -> str:
    """Says so where `Energies.describe` is not as it was in training, else ""."""
    if now == trained:
        return ""
    keys = {
        key
        for one, other in zip(trained, now, strict=False)
        for key in {*one, *other} - {"program", *_SHOWN}
        if one.get(key) != other.get(key)
    }
    before, after = (_programs(one, sorted(keys)) for one in (trained, now))
    return (
        f"the model was trained with the energies of {before}, and folds with those of "
        f"{after}; results may differ a little"
    )


def _programs(described: Sequence[Mapping[str, object]], keys: Sequence[str]) -> str:
    """Returns the programs in a line, for people, with some of their settings."""
    parts = (
        [str(one[key]) for key in ("program", *_SHOWN) if key in one]
        + [f"{key} {one[key]}" for key in keys if key in one]
        for one in described
    )
    return ", ".join(map(" ".join, parts))


def _is_for_any_length(folder: folding_programs.Folder) -> bool:
    return isinstance(folder, vienna.Vienna | relatives.Relatives)


def _fill(energies: Energies, part: list[str]) -> int:
    energies(part)
    return len(part)
