"""Puts configs/ into the package of a wheel; everything else is in pyproject.toml."""

import pathlib
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py

CONFIGS = pathlib.Path(__file__).parent / "configs"


class BuildWithConfigs(build_py):
    """Builds the package, with the configs where `jobs.command` looks for them."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # then they are beside the package
            shutil.copytree(
                CONFIGS,
                pathlib.Path(self.build_lib, "ssrlm_jax", "configs"),
                ignore=shutil.ignore_patterns("__pycache__"),
                dirs_exist_ok=True,
            )


setup(cmdclass={"build_py": BuildWithConfigs})
