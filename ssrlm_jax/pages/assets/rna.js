"use strict";
// The data of one RNA, read once; and a structure of it, with what all pictures ask.

// Returns positions (x, y) in steps as [Float64Array, Float64Array].
ssrlm.unpacked = ({ scale, xy }) => {
  const bytes = Uint8Array.from(atob(xy), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const length = bytes.length / 4;
  const x = new Float64Array(length);
  const y = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    x[i] = view.getInt16(4 * i, true) * scale;
    y[i] = view.getInt16(4 * i + 2, true) * scale;
  }
  return [x, y];
};

// Adds to a view what is computed of it: `paired`, `chance(i, j)`.
ssrlm.rna = (view) => {
  const length = view.sequence.length;
  const { i, j, permille } = view.probabilities;
  const paired = new Float64Array(length);
  const listed = new Map();
  for (let n = 0; n < i.length; n++) {
    const p = permille[n] / 1000;
    listed.set(i[n] * length + j[n], p);
    paired[i[n]] = Math.min(1, paired[i[n]] + p);
    paired[j[n]] = Math.min(1, paired[j[n]] + p);
  }
  const chance = (a, b) => listed.get(Math.min(a, b) * length + Math.max(a, b)) || 0;
  return { ...view, length, paired, chance };
};

// Returns a structure: pairs [i, j], i < j, sorted; of a base triple each nucleotide
// has the first of its pairs as `partner`, and all of them in `pairsOf`.
ssrlm.fold = (rna, label, flat, layout) => {
  const pairs = d3.pairs(flat).filter((_, n) => n % 2 === 0);
  const partner = new Int32Array(rna.length).fill(-1);
  const sure = new Float64Array(rna.length);
  const pairsOf = new Map();
  let isOnce = true;
  for (const [i, j] of pairs) {
    const p = rna.chance(i, j);
    for (const [a, b] of [[i, j], [j, i]]) {
      if (pairsOf.has(a)) isOnce = false;
      else partner[a] = b;
      sure[a] = Math.max(sure[a], p);
      pairsOf.set(a, [...(pairsOf.get(a) || []), b]);
    }
  }
  const stemOf = stems(rna, partner);
  const [x, y] = ssrlm.unpacked(rna.layouts[layout]);
  return {
    label, pairs, partner, sure, pairsOf, isOnce, x, y, stemOf,
    region: (position) => region(rna, partner, stemOf, position),
    dots: isOnce ? dotBracket(rna.length, pairs) : null,
  };

  // The number of each nucleotide's stem, -1 where it is unpaired: pairs that stack.
  function stems({ length, breaks }, partner) {
    const found = new Int32Array(length).fill(-1);
    let count = 0;
    for (let i = 0; i < length; i++) {
      const j = partner[i];
      if (j < i || partner[j] !== i) continue;
      const isNext =
        i > 0 && partner[i - 1] === j + 1 && !breaks.includes(i) && !breaks.includes(j + 1);
      found[i] = found[j] = isNext ? found[i - 1] : count++;
    }
    return found;
  }

  // The positions that belong together: a stem, or a run without pairs.
  function region({ length }, partner, stemOf, position) {
    if (stemOf[position] >= 0) {
      return d3.range(length).filter((i) => stemOf[i] === stemOf[position]);
    }
    if (partner[position] >= 0) return [position, ...pairsOf.get(position)];
    let first = position;
    let last = position;
    while (first > 0 && partner[first - 1] < 0) first--;
    while (last < length - 1 && partner[last + 1] < 0) last++;
    return d3.range(first, last + 1);
  }

  // As structures.to_dot_bracket; null where there are not enough brackets.
  function dotBracket(length, pairs) {
    const opening = "([{<ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const closing = ")]}>abcdefghijklmnopqrstuvwxyz";
    const text = new Array(length).fill(".");
    const inner = Array.from(opening, () => []);
    for (const [i, j] of pairs) {
      for (const stack of inner) {
        while (stack.length && stack.at(-1) < i) stack.pop();
      }
      const free = inner.findIndex((stack) => !stack.length || stack.at(-1) > j);
      if (free < 0) return null;
      inner[free].push(j);
      text[i] = opening[free];
      text[j] = closing[free];
    }
    return text.join("");
  }
};

// The structure at one stop of the slider.
ssrlm.foldAt = (rna, stop) => {
  const { pairs, held, thresholds, layouts } = rna.steps;
  const flat = [];
  held.forEach((bits, n) => {
    if ((bits >> stop) & 1) flat.push(pairs[2 * n], pairs[2 * n + 1]);
  });
  const label = `predicted, probability ≥ ${thresholds[stop]}`;
  return ssrlm.fold(rna, label, flat, layouts[stop]);
};

// What is said of a nucleotide, in a line.
ssrlm.about = (rna, fold, position) => {
  const name = (i) => `${rna.sequence[i]}${i + 1}`;
  const said = (fold.pairsOf.get(position) || []).map(
    (other) => `${name(other)}, probability ${rna.chance(position, other).toFixed(2)}`,
  );
  const pairs = said.length ? `pairs with ${said.join(" and ")}` : "unpaired";
  const paired = `paired in all ${rna.paired[position].toFixed(2)}`;
  const value = rna.reactivities && rna.reactivities[position];
  const reactivity = rna.reactivities
    ? `; reactivity ${value === null ? "not measured" : value}`
    : "";
  const confidence = rna.plddt ? `; pLDDT ${rna.plddt[position].toFixed(0)}` : "";
  return `${name(position)} ${pairs}; ${paired}${reactivity}${confidence}`;
};

// What is said of a structure where it cannot be seen.
ssrlm.described = (rna, fold) => {
  const count = d3.max(fold.stemOf) + 1;
  const shown = [];
  for (let i = 0; i < rna.length && shown.length < 20; i++) {
    const stem = fold.stemOf[i];
    const j = fold.partner[i];
    if (stem < 0 || j < i || (i && fold.stemOf[i - 1] === stem && fold.partner[i - 1] === j + 1)) {
      continue;
    }
    let size = 1;
    while (fold.stemOf[i + size] === stem && fold.partner[i + size] === j - size) size++;
    shown.push(`${i + 1}-${i + size} with ${j - size + 2}-${j + 1}`);
  }
  const rest = count > shown.length ? ` and ${count - shown.length} more` : "";
  return (
    `${rna.length} nucleotides, ${fold.pairs.length} pairs in ${count} stems` +
    (shown.length ? `: ${shown.join(", ")}${rest}` : "")
  );
};

// The probability of one pair of a view that was not prepared yet.
ssrlm.chanceIn = (view, i, j) => {
  const { probabilities } = view;
  let n = d3.bisectLeft(probabilities.i, i);
  while (probabilities.i[n] === i && probabilities.j[n] < j) n++;
  return probabilities.i[n] === i && probabilities.j[n] === j
    ? probabilities.permille[n] / 1000
    : 0;
};

// A text that was packed by gzip and written as base64; a promise.
ssrlm.inflated = (packed) => {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
};
