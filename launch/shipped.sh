#!/usr/bin/env bash
# Makes the models that come with the package, from raw files, on two CPU cores.
#   launch/shipped.sh DATA WORK STAGE
#   STAGE: sets | short | long | last | decoding | ship | scores, or all of them: all
# DATA has the folders secondary/ (bpRNA, PDB and ArchiveII tables) and rfam/ (seed_ss,
# benchmark_family_map); WORK gets sets/, energies/, runs/ and scores/. Every stage goes on
# where it stopped. Needs MMseqs2. Test sets are read by `scores` alone, once for a model.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1 work=$2 stage=${3:-all} s=$1/secondary
python=${PYTHON:-python}
tests=$s/bprna_TS0.tsv.gz,$s/pdb_TS1.tsv.gz,$s/archiveII.tsv.gz,$s/pdb_VL1.tsv.gz
# A convolution on a CPU runs on one core: as many devices as cores share a batch.
devices=${DEVICES:-2}
export JAX_CPU_ENABLE_ASYNC_DISPATCH=false

tune() {  # NAME, then flags
  JAX_NUM_CPU_DEVICES=$devices "$python" launch/finetune.py \
    --config=configs/secondary/energies.py --workdir="$work/runs/$1" \
    --config.data.validation="$work/sets/validation.tsv" --config.data.leave_out="$tests" \
    --config.relatives="$work/sets/train.tsv" --config.energies="$work/energies" \
    --config.mesh.data="$devices" "${@:2}"
}
score() {  # NAME TRUTH, then flags
  [ -f "$work/scores/$1/scores.json" ] && return
  rm -rf "$work/scores/$1"  # what an interrupted run left
  "$python" launch/evaluate.py --config.model=energies --config.is_own_rule=true \
    --config.programs=vienna,relatives --config.truth="$2" --out="$work/scores/$1" \
    --config.train="$work/sets/train.tsv" "${@:3}"
}
case $stage in
  all) for one in sets short long last decoding ship scores; do "$0" "$data" "$work" "$one"; done ;;
  sets)
    [ -d "$work/sets" ] || "$python" launch/training_sets.py --out="$work/sets" \
      --labelled="$s/bprna_TR0.tsv.gz,$s/pdb_TR1.tsv.gz" --validation="$s/bprna_VL0.tsv.gz" --tests="$tests" \
      --consensus="$data/rfam/seed_ss.tsv.gz" --families="$data/rfam/benchmark_family_map.tsv.gz"
    awk -F'\t' 'NR == 1 || /^TR1/ || (length($3) > 200 ? NR % 2 : /^bpRNA/ && NR % 6 == 0)' \
      "$work/sets/train.tsv" > "$work/sets/long.tsv"
    awk -F'\t' 'NR == 1 || /^TR1/ || (length($3) > 200 ? NR % 8 == 0 : /^bpRNA/ && NR % 5 == 1)' \
      "$work/sets/train.tsv" > "$work/sets/last.tsv" ;;
  short) tune short --config.data.train="$work/sets/train.tsv" ;;
  # Half of the long RNA, a sixth of bpRNA's short again, the few structures of the PDB.
  long) tune long --config.data.train="$work/sets/long.tsv" --config.model="$work/runs/short/model" \
      --config.data.max_length=500 --config.epochs=1 --config.evaluations_per_epoch=2 \
      --config.optimizer.learning_rate=6e-4 --config.loop.ema_decay=0.998 ;;
  # A little of all, with what relatives say now (alignments of 4 nats and more).
  last) tune last --config.data.train="$work/sets/last.tsv" --config.model="$work/runs/long/model" \
      --config.data.max_length=500 --config.epochs=1 --config.evaluations_per_epoch=1 \
      --config.optimizer.learning_rate=4e-4 --config.loop.ema_decay=0.995 ;;
  decoding) "$python" launch/decoding.py --config.model="$work/runs/last/model" \
      --config.validation="$work/sets/validation.tsv" --config.methods=greedy,nested --force
    "$python" launch/contacts.py --config.model="$work/runs/last/model" --config.max_length=200 \
      --config.train="$s/pdb_TR1.tsv.gz" --config.validation="$s/pdb_VL1.tsv.gz" \
      --config.test="$work/sets/held_out.tsv" --force ;;
  ship) "$python" launch/ship.py --model="$work/runs/last/model" --name=energies \
      --card=configs/shipped/energies.json ;;
  scores)
    score TS0 "$s/bprna_TS0.tsv.gz"
    score TS1 "$s/pdb_TS1.tsv.gz" ;;
  *) echo "unknown stage $stage" >&2; exit 2 ;;
esac
