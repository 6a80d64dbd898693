"""Cells and chains → jobs, each once: named by all that decides what it makes.

Every axis, setting and file is checked first, and all that is wrong is told together.
A job's key is made of its command, settings, the content of its files, the keys of the
jobs whose results it reads, and versions; where its directory lies decides nothing.
"""

import dataclasses
import itertools
import pathlib
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence

from ssrlm_jax import config
from ssrlm_jax.data import rows
from ssrlm_jax.prepare import executor
from ssrlm_jax.sweeps import chains, kinds

# A command, its config and the overrides, "--config.NAME=VALUE" → all its settings.
Resolve = Callable[[str, str, Sequence[str]], Mapping[str, chains.Value]]
# A command and all its settings → those that a budget changes.
Shorten = Callable[[str, Mapping[str, chains.Value]], Mapping[str, chains.Value]]

_DIGITS = 12  # of a key, in the name of a directory
_MODEL_FILES = ("model.json", "weights.safetensors")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """One command, whoever asks for it.

    Attributes:
      name: of its directory below jobs/: step and key.
      step: that first asked.
      command: of `ssrlm`.
      config: of the command; "": its default.
      settings: that differ from the config; an `Output` has the name of a job, and a
        path below its directory.
      flags: the same, of others.
      resolved: all settings, "a.b": value.
      parents: names of the jobs that it reads of, each once.
      key: of all that decides.
      decided_by: what the key was made of, for people.
    """

    name: str
    step: str
    command: str
    config: str
    settings: Mapping[str, chains.Setting]
    flags: Mapping[str, chains.Setting]
    resolved: Mapping[str, chains.Value]
    parents: tuple[str, ...]
    key: str
    decided_by: Mapping[str, object]

    def arguments(self, out: pathlib.Path) -> list[str]:
        """Returns the words after `ssrlm` that do this job.

        Args:
          out: directory of the sweep.
        """
        kind = kinds.KINDS[self.command]
        words = [self.command, *kind.flags]
        if self.config:
            words.append(f"--config={self.config}")
        own = directory(out, self.name) / kinds.place_of(kind)
        settings = dict(self.settings)
        if kind.output.startswith("--"):
            words.append(f"{kind.output}={own}")
        else:
            settings[kind.output] = str(own)
        for name, value in settings.items():
            words.append(f"--config.{name}={_told(value, out)}")
        for name, value in self.flags.items():
            is_set = isinstance(value, bool)
            if not is_set:
                words.append(f"--{name}={_told(value, out)}")
            elif value:
                words.append(f"--{name}")
        return words

    def line(self, out: pathlib.Path) -> str:
        """Returns the command as one types it."""
        return shlex.join(["ssrlm", *self.arguments(out)])

    def source(self, setting: str, out: pathlib.Path) -> pathlib.Path | None:
        """Returns the file or directory of a setting; None: it has none."""
        value = self.settings.get(setting)
        return None if value is None else pathlib.Path(_told(value, out))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Graph:
    """All jobs of a sweep.

    Attributes:
      jobs: by name, each after those that it reads of.
      cells: values of the axes, with the jobs of each by step.
      baselines: the jobs of each by name and step.
    """

    jobs: Mapping[str, Job]
    cells: Sequence[tuple[Mapping[str, chains.Value], Mapping[str, str]]]
    baselines: Mapping[str, Mapping[str, str]]

    def cells_of(self, name: str) -> list[Mapping[str, chains.Value]]:
        """Returns the cells that need a job."""
        return [values for values, steps in self.cells if name in steps.values()]


class ProblemsError(ValueError):
    """All that is wrong with a sweep, a line each."""

    def __init__(self, found: Iterable[str]) -> None:
        self.found = list(dict.fromkeys(found))
        lines = "\n  ".join(self.found)
        super().__init__(f"nothing was started; {len(self.found)} wrong:\n  {lines}")


def directory(out: pathlib.Path, name: str) -> pathlib.Path:
    """Returns where a job works."""
    return out / "jobs" / name


def expand(
    asked: chains.Sweep,
    resolve: Resolve,
    shorten: Shorten = lambda command, settings: {},
) -> Graph:
    """Returns the jobs of all cells.

    Args:
      asked: of a file, with the axes as they are wanted.
      resolve: reads and checks the settings of a command.
      shorten: what a budget changes of them.

    Raises:
      ProblemsError: an axis that nothing reads, a setting that is unknown or
        impossible, a file that is missing, a step that reads of none before it.
    """
    making = _Making(resolve, shorten)
    cells, read = [], set()
    for values in itertools.product(*asked.axes.values()):
        cell = chains.Cell(dict(zip(asked.axes, values, strict=True)))
        steps = making.chain(cell, asked.chain)
        read |= cell.read | making.settings_of_steps
        cells.append((dict(cell.items()), steps))
    shared = {name: of[0] for name, of in asked.axes.items() if len(of) == 1}
    baselines = {
        one.name: making.steps(chains.Cell(shared), one.chain)
        for one in asked.baselines
    }
    for name, values in asked.axes.items():
        if name not in read:
            making.problems.append(
                f"axis {name!r} is read by no step; {', '.join(sorted(read))} and "
                "STEP.SETTING are"
            )
        if not values or len(set(values)) < len(values):
            making.problems.append(f"axis {name}={values} has no value, or one twice")
    if asked.compared not in asked.axes:
        making.problems.append(f"compared={asked.compared!r} is no axis")
    if making.problems:
        raise ProblemsError(making.problems)
    return Graph(jobs=making.jobs, cells=cells, baselines=baselines)


class _Making:
    """Adds up the jobs of cells, and what is wrong with them."""

    def __init__(self, resolve: Resolve, shorten: Shorten) -> None:
        self._resolve, self._shorten = resolve, shorten
        self._hashes: dict[str, str] = {}
        self._versions: dict[str, dict[str, str]] = {}
        self.jobs: dict[str, Job] = {}
        self.problems: list[str] = []
        self.settings_of_steps: set[str] = set()

    def chain(
        self,
        cell: chains.Cell,
        chain: Callable[[Mapping[str, chains.Value]], Iterable[chains.Step]],
    ) -> dict[str, str]:
        """Returns the names of the jobs of a cell, by step."""
        try:
            return self.steps(cell, chain(cell))
        except (ValueError, KeyError) as error:
            self.problems.append(f"{cell}: {_text(error)}")
            return {}

    def steps(self, cell: chains.Cell, steps: Iterable[chains.Step]) -> dict[str, str]:
        """Returns the names of jobs, by step."""
        made: dict[str, str] = {}
        for step in steps:
            if step.name in made:
                self.problems.append(f"{cell}: two steps are called {step.name!r}")
                continue
            job = self._job(self._with_axes(step, cell), made, str(cell))
            self.jobs.setdefault(job.name, job)
            made[step.name] = job.name
        return made

    def _with_axes(self, step: chains.Step, cell: chains.Cell) -> chains.Step:
        """Returns a step with the settings of axes that name it."""
        named = {
            axis.removeprefix(f"{step.name}."): axis
            for axis in cell
            if axis.startswith(f"{step.name}.")
        }
        self.settings_of_steps |= set(named.values())
        changed = {setting: cell[axis] for setting, axis in named.items()}
        return dataclasses.replace(step, settings={**step.settings, **changed})

    def _job(self, step: chains.Step, made: Mapping[str, str], cell: str) -> Job:
        """Returns a job; what is wrong goes to the problems."""
        where = f"{step.name} of {cell}"
        if step.command not in kinds.KINDS:
            self.problems.append(
                f"{where}: command {step.command!r} is not one of "
                f"{', '.join(kinds.KINDS)}"
            )
            return self._named(step, {}, (), {"command": step.command})
        kind = kinds.KINDS[step.command]
        settings = {n: self._linked(v, made, where) for n, v in step.settings.items()}
        flags = {n: self._linked(v, made, where) for n, v in step.flags.items()}
        step = dataclasses.replace(step, settings=settings, flags=flags)
        resolved = self._settled(step, where)
        if changed := self._shorten(step.command, resolved):
            step = dataclasses.replace(step, settings={**settings, **changed})
            resolved = self._settled(step, where)
        links = {
            name: found
            for name, value in (settings | flags).items()
            if (found := chains.outputs_of(value))
        }
        files = {
            name: self._contents(_without_outputs(value), f"{where}: {name}")
            for name, value in {**resolved, **settings, **flags}.items()
            if name in kind.inputs and value
        }
        decided_by = {
            "command": step.command,
            "settings": {
                name: value
                for name, value in resolved.items()
                if name not in kind.inputs and not kinds.is_idle(name)
            },
            "flags": {
                n: v
                for n, v in flags.items()
                if n not in kind.inputs and n not in links
            },
            "files": files,
            "results": {
                name: [[self._key(link.step), link.name] for link in found]
                for name, found in links.items()
            },
            "versions": self._version(step.command),
        }
        parents = tuple(
            dict.fromkeys(link.step for found in links.values() for link in found)
        )
        return self._named(step, resolved, parents, decided_by)

    def _named(
        self,
        step: chains.Step,
        resolved: Mapping[str, chains.Value],
        parents: tuple[str, ...],
        decided_by: Mapping[str, object],
    ) -> Job:
        key = executor.key_of(decided_by)
        return Job(
            name=f"{step.name}-{key[:_DIGITS]}",
            step=step.name,
            command=step.command,
            config=step.config,
            settings=step.settings,
            flags=step.flags,
            resolved=resolved,
            parents=parents,
            key=key,
            decided_by=decided_by,
        )

    def _key(self, name: str) -> str:
        return self.jobs[name].key if name in self.jobs else ""

    def _linked(
        self, value: chains.Setting, made: Mapping[str, str], where: str
    ) -> chains.Setting:
        """Returns a setting with outputs of steps as those of jobs."""
        if isinstance(value, tuple):
            return tuple(
                self._link(part, made, where)
                if isinstance(part, chains.Output)
                else part
                for part in value
            )
        if isinstance(value, chains.Output):
            return self._link(value, made, where)
        return value

    def _link(
        self, value: chains.Output, made: Mapping[str, str], where: str
    ) -> str | chains.Output:
        """Returns an output of a step as one of a job; "": there is none."""
        if value.step not in made:
            self.problems.append(
                f"{where} reads of step {value.step!r}; before it are "
                f"{', '.join(made) or 'none'}"
            )
            return ""
        name = made[value.step]
        outputs = kinds.KINDS[self.jobs[name].command].outputs
        if value.name not in outputs:
            self.problems.append(
                f"{where}: {value.step} makes no {value.name!r}, but "
                f"{', '.join(outputs)}"
            )
            return ""
        return chains.Output(name, outputs[value.name])

    def _settled(self, step: chains.Step, where: str) -> Mapping[str, chains.Value]:
        """Returns all settings of a step, read and checked by its command."""
        overrides = [
            f"--config.{name}={_told(value, pathlib.Path())}"
            for name, value in step.settings.items()
        ]
        try:
            return self._resolve(step.command, step.config, overrides)
        except (ValueError, OSError) as error:
            self.problems.append(f"{where}: {_text(error)}")
            return {}

    def _contents(self, paths: str, where: str) -> list[str]:
        """Returns the hashes of files and directories, separated by commas."""
        return [self._hash(path, where) for path in paths.split(",") if path]

    def _hash(self, path: str, where: str) -> str:
        if path == config.RANDOM:
            return path
        if path not in self._hashes:
            try:
                self._hashes[path] = contents(pathlib.Path(path))
            except OSError:
                self.problems.append(f"{where}: there is no file or directory {path}")
                return ""
        return self._hashes[path]

    def _version(self, command: str) -> dict[str, str]:
        if command not in self._versions:
            self._versions[command] = kinds.versions(command)
        return self._versions[command]


def contents(path: pathlib.Path) -> str:
    """Returns a hash of what a file, a corpus, a model or a folder of files holds.

    A corpus is known by its manifest, which has the hash of every shard.

    Raises:
      OSError: it is not there.
    """
    if not path.is_dir():
        return rows.hash_file(path)
    manifest = path / rows.MANIFEST
    if manifest.exists():
        return rows.hash_file(manifest)
    models = [path / name for name in _MODEL_FILES]
    found = (
        models
        if all(one.exists() for one in models)
        else sorted(one for one in path.rglob("*") if one.is_file())
    )
    hashes = {str(one.relative_to(path)): rows.hash_file(one) for one in found}
    return executor.key_of(hashes)


def _told(value: chains.Setting, out: pathlib.Path) -> str:
    """Returns a setting as a command takes it."""
    if isinstance(value, tuple):
        return ",".join(_told(part, out) for part in value)
    if isinstance(value, chains.Output):
        return str(directory(out, value.step) / value.name)
    return str(value)


def _without_outputs(value: chains.Setting) -> str:
    """Returns the files of a setting that no job makes, separated by commas."""
    parts = value if isinstance(value, tuple) else (value,)
    return ",".join(str(one) for one in parts if not isinstance(one, chains.Output))


def _text(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)
