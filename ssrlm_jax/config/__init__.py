"""Typed configuration: every setting and its default is written here, once.

Files in configs/ start from `editable(PretrainConfig())` and change fields.
An entry point turns the result into frozen dataclasses with `frozen` before
anything else runs, so a misspelt or impossible setting stops the program at
once, with a message that names the setting.

A job loads the settings that it has and no others: names are found, in the modules that
`__init__.pyi` gives, when they are first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
