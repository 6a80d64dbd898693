"""The methods of the paper's tables, and rivals that install; by name.

What a method was trained on is named only where its authors say so and the files are
at hand; "not at hand" is no statement that a set was not seen. docs/paper.md has where
each licence and training set is said.
"""

from collections.abc import Callable

from ssrlm_jax import config
from ssrlm_jax.comparisons import environments, items, model_methods
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
_LINEARFOLD = "LinearFold's own: free use with credit, not for a fee"
_LINEAR = "binding MIT, core for non-commercial use"


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
        licence=f"binding MIT; {_LINEARFOLD}",
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
        licence=_LINEARFOLD,
        trained="151 families of Rfam (Do et al. 2006)",
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
        trained="151 families of Rfam (Do et al. 2006)",
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
        trained="Eterna's probed RNAs, riboswitches, known structures",
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
        trained="Eterna's probed RNAs, riboswitches, known structures",
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
        trained="TrainSetA, TrainSetB of Rivas et al. 2012",
        training=None,
        seconds=(0.11, 4.0),
        at_once=32,  # it takes seconds to begin
    ),
    items.Method(
        name="efold",
        title="eFold",
        make=environments.efold,
        get="ssrlm paper --install efold",
        weights="of its package",
        threshold="its authors', after 100 steps of their own",
        rule="its own, with pseudoknots",
        licence="MIT",
        trained="Ribonanza, bpRNA, RNAStralign, then primary miRNA, mRNA, ArchiveII; "
        "so TS0 and ArchiveII are hardly unseen RNA to it",
        training=None,
        seconds=(0.15, 2.7),
        at_once=32,  # it takes long to begin
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
        trained="its parameters were chosen on SRtrain, 274 RNAs",
        training=None,
        seconds=(0.7, 150.0),
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
        licence="none is said",
        trained="RNAStralign",
        training=None,
        seconds=(0.5, 3.0),
    ),
    *model_methods.CONVERTED,
    *model_methods.shipped(),
)
METHODS = {one.name: one for one in _METHODS}
