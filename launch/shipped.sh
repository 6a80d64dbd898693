#!/usr/bin/env bash
# Makes the models that come with the package, from raw files, on two CPU cores.
#   launch/shipped.sh DATA WORK STAGE
#   STAGE: of `energies`: sets | short | long | last | decoding | ship | scores, or all;
#          then scores_archive
#          of `pdb`, after `decoding`: pdb_tune | pdb_decoding | pdb_ship | pdb_scores, or pdb;
#          of `letters`: letters_corpus | letters_pre | letters_predicted | letters_short |
#          letters_long | letters_decoding | letters_ship | letters_scores, or letters
# DATA has the folders secondary/ (bpRNA, PDB and ArchiveII tables), rfam/ (seed_ss,
# benchmark_family_map), fasta/coding and ncrna_contrafold.tsv.gz (letters alone);
# WORK gets sets/, energies/, corpora/, runs/ and scores/. With NAME=energies_apart and
# NEAREST=0.8 (and a WORK of its own) nothing trains, and no known structure is looked up,
# that is 80 % identical to a test or validation record; ENERGIES names maps to share.
# Every stage goes on where it stopped. Needs MMseqs2. Test sets are read by `scores` alone,
# once for a model.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1 work=$2 stage=${3:-all} s=$1/secondary
python=${PYTHON:-python}
tests=$s/bprna_TS0.tsv.gz,$s/pdb_TS1.tsv.gz,$s/archiveII.tsv.gz,$s/pdb_VL1.tsv.gz
name=${NAME:-energies} maps=${ENERGIES:-$work/energies}
export JAX_CPU_ENABLE_ASYNC_DISPATCH=false

tune() {  # CONFIG NAME, then flags
  "$python" launch/finetune.py \
    --config="configs/secondary/$1.py" --workdir="$work/runs/$2" \
    --config.data.validation="$work/sets/validation.tsv" --config.data.leave_out="$tests" \
    "${@:3}"
}
energies() {  # NAME, then flags
  tune energies "$1" --config.relatives="$work/sets/train.tsv" \
    --config.energies="$maps" "${@:2}"
}
score() {  # MODEL NAME TRUTH, then flags
  local out=$work/scores/$1/$2
  [ -f "$out/scores.json" ] && return
  rm -rf "$out"  # what an interrupted run left
  "$python" launch/evaluate.py --config.model="$1" --config.is_own_rule=true \
    --config.programs=vienna --config.truth="$3" --out="$out" \
    --config.train="$work/sets/train.tsv" "${@:4}"
}
case $stage in
  all) for one in sets short long last decoding ship scores; do "$0" "$data" "$work" "$one"; done ;;
  sets)
    [ -d "$work/sets" ] || "$python" launch/training_sets.py --out="$work/sets" \
      --labelled="$s/bprna_TR0.tsv.gz,$s/pdb_TR1.tsv.gz" --validation="$s/bprna_VL0.tsv.gz" --tests="$tests" \
      --consensus="$data/rfam/seed_ss.tsv.gz" --families="$data/rfam/benchmark_family_map.tsv.gz" \
      --nearest="${NEAREST:-1}"
    awk -F'\t' 'NR == 1 || /^TR1/ || (length($3) > 200 ? NR % 2 : /^bpRNA/ && NR % 6 == 0)' \
      "$work/sets/train.tsv" > "$work/sets/long.tsv"
    awk -F'\t' 'NR == 1 || /^TR1/ || (length($3) > 200 ? NR % 8 == 0 : /^bpRNA/ && NR % 5 == 1)' \
      "$work/sets/train.tsv" > "$work/sets/last.tsv" ;;
  short) energies short --config.data.train="$work/sets/train.tsv" ;;
  # Half of the long RNA, a sixth of bpRNA's short again, the few structures of the PDB.
  long) energies long --config.data.train="$work/sets/long.tsv" --config.model="$work/runs/short/model" \
      --config.data.max_length=500 --config.epochs=1 --config.evaluations_per_epoch=2 \
      --config.optimizer.learning_rate=6e-4 --config.loop.ema_decay=0.998 ;;
  # A little of all, with what relatives say now (alignments of 4 nats and more).
  last) energies last --config.data.train="$work/sets/last.tsv" --config.model="$work/runs/long/model" \
      --config.data.max_length=500 --config.epochs=1 --config.evaluations_per_epoch=1 \
      --config.optimizer.learning_rate=4e-4 --config.loop.ema_decay=0.995 ;;
  decoding) "$python" launch/decoding.py --config.model="$work/runs/last/model" \
      --config.validation="$work/sets/validation.tsv" --config.methods=greedy,nested --force
    "$python" launch/contacts.py --config.model="$work/runs/last/model" --config.max_length=200 \
      --config.train="$s/pdb_TR1.tsv.gz" --config.validation="$s/pdb_VL1.tsv.gz" \
      --config.test="$work/sets/held_out.tsv" --force ;;
  ship) "$python" launch/ship.py --model="$work/runs/last/model" --name="$name" \
      --card="configs/shipped/$name.json" ;;
  scores)
    score "$name" TS0 "$s/bprna_TS0.tsv.gz" --config.programs=vienna,relatives
    score "$name" TS1 "$s/pdb_TS1.tsv.gz" --config.programs=vienna,relatives ;;
  # ArchiveII without what TR0 has, each sequence once; NAME=pdb or letters: of these.
  scores_archive)
    [ -f "$work/sets/ArchiveII-less-TR0.tsv" ] || "$python" launch/paper.py --write ArchiveII-less-TR0 --config.data="$data" --out="$work"
    score "$name" ArchiveII-less-TR0 "$work/sets/ArchiveII-less-TR0.tsv" --config.programs=vienna,relatives ;;
  # For chains of the PDB: the same model, ten times over those that trained it.
  pdb) for one in tune decoding ship scores; do "$0" "$data" "$work" "pdb_$one"; done ;;
  pdb_tune)
    awk -F'\t' 'NR == 1 || /^TR1/' "$work/sets/train.tsv" > "$work/sets/pdb.tsv"
    energies pdb --config.data.train="$work/sets/pdb.tsv" --config.model="$work/runs/last/model" \
      --config.data.validation="$s/pdb_VL1.tsv.gz" --config.data.max_length=500 \
      --config.epochs=10 --config.evaluations_per_epoch=1 \
      --config.optimizer.learning_rate=4e-4 --config.loop.ema_decay=0.98 ;;
  pdb_decoding) "$python" launch/decoding.py --config.model="$work/runs/pdb/model" \
      --config.validation="$s/pdb_VL1.tsv.gz" --config.methods=greedy,nested --force ;;
  pdb_ship) "$python" launch/ship.py --model="$work/runs/pdb/model" --name=pdb \
      --card=configs/shipped/pdb.json ;;
  pdb_scores)
    score pdb TS1 "$s/pdb_TS1.tsv.gz" --config.programs=vienna,relatives
    score pdb TS0 "$s/bprna_TS0.tsv.gz" --config.programs=vienna,relatives ;;
  # The paper's method: an encoder pre-trained with hidden stems, and a head.
  letters) for one in corpus pre predicted short long decoding ship scores; do
      "$0" "$data" "$work" "letters_$one"; done ;;
  letters_corpus) "$python" launch/prepare_corpus.py --config=configs/corpus/contrafold.py \
      --config.row_length=512 --ncrna="$data/ncrna_contrafold.tsv.gz" \
      --other="$data/fasta/coding" --out="$work/corpora/contrafold512" \
      --leave_out="$s/bprna_VL0.tsv.gz,$work/sets/held_out.tsv,$tests" ;;
  letters_pre) "$python" launch/pretrain.py --config=configs/8m.py:masking=ssm \
      --workdir="$work/runs/letters_pre" --config.data.corpus="$work/corpora/contrafold512" \
      --config.data.row_length=512 --config.data.rows_per_batch=4 \
      --config.data.validation_rows=64 --config.data.mix.other=0 --config.encoder.num_layers=4 \
      --config.encoder.width=192 --config.encoder.num_heads=6 --config.encoder.num_kv_heads=6 \
      --config.encoder.ffn_width=512 --config.compute.remat=none \
      --config.optimizer.learning_rate=2e-3 --config.optimizer.warmup_steps=200 \
      --config.loop.num_steps=2500 --config.loop.evaluate_every=500 --config.loop.save_every=500 ;;
  # A quarter of the ncRNA up to 90 nt with the structures that CONTRAfold predicts.
  letters_predicted)
    [ -f "$work/sets/predicted.tsv" ] || gzip -dc "$data/ncrna_contrafold.tsv.gz" |
      awk 'NR % 4 == 1' > "$work/sets/predicted.tsv"
    tune letters letters_predicted --config.data.train="$work/sets/predicted.tsv" \
      --config.data.leave_out="$s/bprna_VL0.tsv.gz,$work/sets/held_out.tsv,$tests" \
      --config.model="$work/runs/letters_pre/model" --config.data.max_length=90 \
      --config.data.batch_size=8 ;;
  letters_short) tune letters letters_short --config.data.train="$work/sets/train.tsv" \
      --config.model="$work/runs/letters_predicted/model" ;;
  letters_long) tune letters letters_long --config.data.train="$work/sets/long.tsv" \
      --config.model="$work/runs/letters_short/model" --config.data.max_length=500 \
      --config.evaluations_per_epoch=2 --config.optimizer.learning_rate=5e-4 \
      --config.loop.ema_decay=0.998 ;;
  letters_decoding) "$python" launch/decoding.py --config.model="$work/runs/letters_long/model" \
      --config.validation="$work/sets/validation.tsv" --config.methods=greedy,nested --force ;;
  letters_ship) "$python" launch/ship.py --model="$work/runs/letters_long/model" \
      --name=letters --card=configs/shipped/letters.json ;;
  letters_scores)
    score letters TS0 "$s/bprna_TS0.tsv.gz"
    score letters TS1 "$s/pdb_TS1.tsv.gz" ;;
  *) echo "unknown stage $stage" >&2; exit 2 ;;
esac
