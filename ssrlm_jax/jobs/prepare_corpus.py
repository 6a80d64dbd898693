r"""Makes a corpus for pre-training of your files.

  ssrlm prepare_corpus --ncrna=folded.tsv --other=coding.fa.gz \
      --out=corpora/mine

Reads FASTA (packed or not; any letter case, U or T, IUPAC codes), tables with the
columns id, sequence and where known family, dotbracket, pairs, dot-bracket files as
RNAfold writes them, and Stockholm alignments as Rfam publishes them. Of equal and of
near-duplicate records (MMseqs2) one is kept; ncRNA without a structure is folded
(ViennaRNA, by default). The same command again goes on where an interrupted run
stopped; a changed setting or input reruns just what depends on it.
"""

import argparse

from ssrlm_jax import config
from ssrlm_jax.jobs import command
from ssrlm_jax.prepare import progress
from ssrlm_jax.prepare.corpus import build_corpus, corpus_report


def prepare_corpus(settings: config.CorpusConfig, flags: argparse.Namespace) -> None:
    """Makes the corpus and says what it holds."""
    console = progress.console()
    with progress.Stages(console) as display:
        manifest = build_corpus.build(
            flags.out,
            settings,
            ncrna=flags.ncrna,
            other=flags.other,
            leave_out=flags.leave_out,
            work=flags.work,
            report=display,
        )
    corpus_report.show(console, flags.out, manifest)
    try:
        corpus_report.write(flags.out, manifest)
    except ImportError as error:
        console.print(str(error))


def _files(holds: str) -> dict[str, object]:
    what = "files, directories or patterns, separated by commas; may be repeated: "
    return {"action": "append", "default": [], "metavar": "FILES", "help": what + holds}


COMMAND = command.Command(
    function=prepare_corpus,
    about=__doc__,
    kind=config.CorpusConfig,
    default="corpus/default",
    flags={
        "--ncrna": _files("non-coding RNA, with structures where known"),
        "--other": _files("other RNA: coding, genomes, unsorted"),
        "--leave_out": _files("test sets; equal and near records are removed"),
        "--out": {"required": True, "metavar": "DIR", "help": "corpus to make"},
        "--work": {"metavar": "DIR", "help": "of the stages (default: OUT.work)"},
    },
)
