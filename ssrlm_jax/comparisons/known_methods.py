"""The methods of the paper's tables, and rivals that install; by name.

What a method was trained on is named only where its authors say so and the files are
at hand; "not at hand" is no statement that a set was not seen.
"""

import pathlib
from collections.abc import Callable

from ssrlm_jax import config
from ssrlm_jax.comparisons import environments, items, model_folder
from ssrlm_jax.external import (
    contrafold,
    folding_programs,
    linearfold,
    linearfold_library,
    linearpartition,
    programs,
    vienna,
    writing_programs,
)
from ssrlm_jax.infer import catalogue

_SPOT_RNA = programs.Program(
    "SPOT-RNA",
    "SSRLM_SPOTRNA",
    "a script that runs SPOT-RNA.py of github.com/jaswindersingh2/SPOT-RNA in its "
    "environment (TensorFlow 1.14)",
)
_RNASTRUCTURE = programs.Program(
    "Fold",
    "SSRLM_RNASTRUCTURE",
    "RNAstructure's Fold, rna.urmc.rochester.edu/RNAstructure.html; DATAPATH has to "
    "name its data_tables",
)
_TR0 = "secondary/bprna_TR0.tsv.gz"
_TR1 = "secondary/pdb_TR1.tsv.gz"
_VIENNA = "ViennaRNA's own: free use with credit"
_LINEAR = "binding MIT, core for non-commercial use"
# The paper, appendix A.1.3: no flexible pairs, sharp loops, non-canonical pairs.
_PAPER_RULE = config.DecodingConfig()


def _elsewhere(
    name: str, how: str
) -> Callable[[config.PaperConfig], folding_programs.Folder]:
    """Returns what says that a program is not run from here."""

    def make(settings: config.PaperConfig) -> folding_programs.Folder:
        del settings
        raise programs.ProgramError(
            f"{how}; then: ssrlm paper table1 --add {name} --predictions DIR"
        )

    return make


def _model(name: str) -> Callable[[config.PaperConfig], folding_programs.Folder]:
    """Returns what makes a model that a setting names."""

    def make(settings: config.PaperConfig) -> folding_programs.Folder:
        known = settings.directories("models")
        if name not in known:
            raise ValueError(f"no directory of a model: config.models={name}=DIR")
        place = pathlib.Path(known[name])
        if not (place / "model.json").is_file():
            raise ValueError(f"config.models: {place} has no model.json")
        return model_folder.ModelFolder(directory=str(place), decoding=_PAPER_RULE)

    return make


def _shipped(settings: config.PaperConfig) -> folding_programs.Folder:
    del settings
    return model_folder.ModelFolder(
        directory=str(catalogue.SHIPPED / catalogue.DEFAULT)
    )


_METHODS = (
    items.Method(
        name="vienna",
        title="ViennaRNA, least free energy",
        make=lambda settings: vienna.Vienna(),
        get="pip install ViennaRNA",
        weights="Turner 2004, measured",
        threshold="none",
        rule="least free energy",
        licence=_VIENNA,
        trained="energies measured on short RNA",
        training=(),
        seconds=(0.004, 0.08),
    ),
    items.Method(
        name="vienna_mea",
        title="ViennaRNA, expected accuracy",
        make=lambda settings: vienna.Vienna(method="mea"),
        get="pip install ViennaRNA",
        weights="Turner 2004, measured",
        threshold="gamma 1, the program's",
        rule="greatest expected accuracy",
        licence=_VIENNA,
        trained="energies measured on short RNA",
        training=(),
        seconds=(0.011, 0.30),
    ),
    items.Method(
        name="rnastructure",
        title="RNAstructure, least free energy",
        make=lambda settings: writing_programs.WritingProgram(
            program=_RNASTRUCTURE,
            arguments=("{fasta}", "{out}/0.ct", "--MFE"),
            suffix=".ct",
            is_for_one=True,
            timeout=settings.time_limit,
        ),
        get=_RNASTRUCTURE.source,
        weights="Turner 2004, measured",
        threshold="none",
        rule="least free energy",
        licence="GPL-2.0",
        trained="energies measured on short RNA",
        training=(),
        seconds=(0.02, 0.5),
    ),
    items.Method(
        name="linearfold_v",
        title="LinearFold-V",
        make=lambda settings: linearfold_library.LinearfoldV(),
        get="pip install linearfold-unofficial",
        weights="ViennaRNA's of before 2019, measured",
        threshold="none",
        rule="least free energy, beam of 100",
        licence=_LINEAR,
        trained="energies measured on short RNA",
        training=(),
        seconds=(0.005, 0.11),
    ),
    items.Method(
        name="linearfold_c",
        title="LinearFold-C",
        make=lambda settings: linearfold.Linearfold(timeout=settings.time_limit),
        get=linearfold.PROGRAM.source,
        weights="CONTRAfold's",
        threshold="none",
        rule="greatest score, beam of 100",
        licence="for non-commercial use",
        trained="S-Processed, 151 families of Rfam",
        training=None,
        seconds=(0.01, 0.06),
    ),
    items.Method(
        name="contrafold",
        title="CONTRAfold",
        make=lambda settings: contrafold.Contrafold(timeout=settings.time_limit),
        get=contrafold.PROGRAM.source,
        weights="built into the program",
        threshold="gamma 6, the program's",
        rule="greatest expected accuracy",
        licence="BSD-like",
        trained="S-Processed, 151 families of Rfam",
        training=None,
        seconds=(0.02, 0.6),
    ),
    items.Method(
        name="eternafold",
        title="EternaFold, in LinearPartition",
        make=lambda settings: linearpartition.Linearpartition(),
        get="pip install linearpartition-unofficial",
        weights="EternaFold's parameters",
        threshold="gamma 3, the program's",
        rule="greatest expected accuracy, no beam",
        licence=_LINEAR,
        trained="EternaBench; its tuning saw ArchiveII's kin",
        training=None,
        seconds=(0.012, 0.49),
    ),
    items.Method(
        name="eternafold_own",
        title="EternaFold, its own program",
        make=lambda settings: contrafold.eternafold(timeout=settings.time_limit),
        get=f"{contrafold.PROGRAM.source}, and its parameters from "
        f"{contrafold.PARAMETERS.source}",
        weights="EternaFold's parameters",
        threshold="gamma 6, the program's",
        rule="greatest expected accuracy",
        licence="BSD-like",
        trained="EternaBench; its tuning saw ArchiveII's kin",
        training=None,
        seconds=(0.02, 0.6),
    ),
    items.Method(
        name="mxfold2",
        title="MXfold2",
        make=environments.mxfold2,
        get="ssrlm paper --install mxfold2",
        weights="of its package",
        threshold="none",
        rule="greatest score of energies and network",
        licence="MIT",
        trained="TrainSetA, kin of ArchiveII; bpRNA TR0",
        training=None,
        seconds=(0.11, 4.0),
        at_once=32,  # it takes seconds to begin
    ),
    items.Method(
        name="squarna",
        title="SQUARNA",
        make=environments.squarna,
        get="ssrlm paper --install squarna",
        weights="rules of stems, chosen by its authors",
        threshold="none",
        rule="its own, with pseudoknots; the first structure",
        licence="Apache-2.0",
        trained="its rules were chosen on TS1's kin of the PDB",
        training=None,
        seconds=(0.7, 22.0),
        at_once=4,
    ),
    items.Method(
        name="spotrna",
        title="SPOT-RNA",
        make=lambda settings: writing_programs.WritingProgram(
            program=_SPOT_RNA,
            arguments=("--inputs", "{fasta}", "--outputs", "{out}", "--cpu", "1"),
            suffix=".bpseq",
            has_probabilities=True,
            timeout=settings.time_limit,
        ),
        get=_SPOT_RNA.source,
        weights="its authors', ensemble of 5",
        threshold="its authors', 0.335",
        rule="its own",
        licence="MPL-2.0",
        trained="bpRNA TR0, PDB TR1",
        training=(_TR0, _TR1),
        seconds=(3.0, 30.0),
        at_once=32,  # it takes long to begin
    ),
    items.Method(
        name="ufold",
        title="UFold",
        make=_elsewhere(
            "ufold",
            "run ufold_predict.py from github.com/uci-cbcl/UFold; its CT files are "
            "read",
        ),
        get="github.com/uci-cbcl/UFold",
        weights="its authors'",
        threshold="0.5, its authors'",
        rule="100 steps of its own",
        licence="MIT",
        trained="RNAStralign, bpRNA TR0 and more",
        training=None,
        seconds=(0.5, 3.0),
    ),
    items.Method(
        name="e2efold",
        title="E2Efold",
        make=_elsewhere("e2efold", "run it from github.com/ml4bio/e2efold"),
        get="github.com/ml4bio/e2efold",
        weights="its authors'",
        threshold="its authors'",
        rule="steps of its own",
        licence="see its repository",
        trained="RNAStralign",
        training=None,
        seconds=(0.5, 3.0),
    ),
    items.Method(
        name="rnafm",
        title="RNA-FM, converted",
        make=_model("rnafm"),
        get="ssrlm convert rnafm --download --name RNA-FM_SS-ResNet.pth",
        weights="its authors' file, converted",
        threshold="its authors' file",
        rule="the paper's: greedy, sharp loops and non-canonical pairs allowed",
        licence="MIT",
        trained="RNAcentral; structures as its authors' file says",
        training=None,
        seconds=(0.5, 4.0),
        at_once=16,
    ),
    items.Method(
        name="ernierna",
        title="ERNIE-RNA, converted",
        make=_model("ernierna"),
        get="ssrlm convert ernierna FILE OUT, of its authors' Google Drive",
        weights="its authors' file, converted",
        threshold="its authors' file",
        rule="the paper's: greedy, sharp loops and non-canonical pairs allowed",
        licence="MIT",
        trained="RNAcentral; structures as its authors' file says",
        training=None,
        seconds=(0.5, 4.0),
        at_once=16,
    ),
    items.Method(
        name="rinalmo",
        title="RiNALMo, converted",
        make=_model("rinalmo"),
        get="ssrlm convert rinalmo --download --name rinalmo_giga_ss_bprna_ft.pt",
        weights="its authors' file, converted",
        threshold="its authors' file",
        rule="the paper's: greedy, sharp loops and non-canonical pairs allowed",
        licence="code Apache-2.0, weights CC-BY-4.0",
        trained="RNAcentral and others; bpRNA TR0",
        training=(_TR0,),
        seconds=(0.7, 3.0),
        at_once=16,
    ),
    items.Method(
        name="ssrlm",
        title="SSR-LM, your own",
        make=_model("ssrlm"),
        get="no weights were published; ssrlm pretrain, ssrlm finetune",
        weights="yours",
        threshold="chosen on validation",
        rule="the paper's: greedy, sharp loops and non-canonical pairs allowed",
        licence="yours",
        trained="as its own list of hashes says",
        training=None,
        seconds=(0.1, 1.0),
        at_once=16,
    ),
    items.Method(
        name="energies",
        title="the model that ships",
        make=_shipped,
        get="it comes with the package",
        weights="shipped: energies and relatives",
        threshold="0.32, chosen on validation",
        rule="greedy",
        licence="Apache-2.0, on ViennaRNA",
        trained="bpRNA TR0, PDB TR1, Rfam 14.2 without the sets' families; until 2020",
        training=(str(catalogue.SHIPPED / catalogue.DEFAULT / "relatives.tsv.gz"),),
        seconds=(0.3, 1.5),
        at_once=16,
    ),
)
METHODS = {one.name: one for one in _METHODS}
