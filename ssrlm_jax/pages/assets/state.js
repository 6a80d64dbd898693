"use strict";
// What the parts of a page share: what is shown, and who hears when it changes.
// Positions count from 0 here, and from 1 wherever a person reads them.

const ssrlm = {};

ssrlm.state = {
  rna: null, // made by rna.js
  fold: null, // the structure that is drawn, made by rna.js
  above: null, // the one above the arcs; null: the one that is drawn
  beside: null, // the one below the arcs, or null
  color: "pairs", // a key of ssrlm.colors.modes
  hover: -1, // a position, or -1
  marked: new Set(), // positions
};

// "fold": another RNA or structure; the others: that part of the state.
ssrlm.bus = d3.dispatch("fold", "color", "hover", "mark");

ssrlm.set = (name, value) => {
  ssrlm.state[name] = value;
  ssrlm.bus.call(name, null);
};

ssrlm.hover = (position) => {
  if (position !== ssrlm.state.hover) ssrlm.set("hover", position);
};

// Marks the stem of a position, or what is unpaired with it; a second time unmarks it.
ssrlm.mark = (position) => {
  const { fold, marked } = ssrlm.state;
  const region = fold.region(position);
  const isMarked = region.every((one) => marked.has(one));
  const next = new Set(marked);
  for (const one of region) isMarked ? next.delete(one) : next.add(one);
  ssrlm.state.marked = next;
  ssrlm.bus.call("mark", null);
};

ssrlm.unmark = () => {
  ssrlm.state.marked = new Set();
  ssrlm.bus.call("mark", null);
};

// An element: `make("button", {class: "plain"}, "text")`; text is never markup.
ssrlm.make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

ssrlm.colors = (() => {
  const unpaired = "#eeeeee";
  const letters = { A: "#e69f00", C: "#56b4e9", G: "#009e73", U: "#cc79a7" };
  // As infer/canvas3d.py.
  const bands = [
    [90, "#0072b2", "above 90"],
    [70, "#56b4e9", "70 to 90"],
    [50, "#f0e442", "50 to 70"],
    [-Infinity, "#d55e00", "below 50"],
  ];
  const ofConfidence = (value) => bands.find(([least]) => value >= least)[1];
  const verdicts = { right: "#0072b2", missed: "#d55e00", wrong: "#b0559b" };
  const noData = "#bbbbbb";
  // The steps of the figures of the Weeks lab.
  const reactive = [
    [0.85, "#cc2222"],
    [0.4, "#e69f00"],
    [-Infinity, "#333333"],
  ];
  const ofProbability = (p) => d3.interpolateViridis(1 - p);
  const ofReactivity = (value) =>
    value === null ? noData : reactive.find(([least]) => value >= least)[1];
  const modes = {
    pairs: {
      label: "probability of the pair",
      of: (rna, fold, i) => (fold.partner[i] < 0 ? unpaired : ofProbability(fold.sure[i])),
      ofPair: (rna, [i, j]) => ofProbability(rna.chance(i, j)),
      scale: true,
    },
    paired: {
      label: "probability of being paired",
      of: (rna, fold, i) => ofProbability(rna.paired[i]),
      scale: true,
    },
    letter: {
      label: "letter",
      of: (rna, fold, i) => letters[rna.sequence[i]] || noData,
      legend: [...Object.entries(letters), ["other", noData]],
    },
    plddt: {
      label: "confidence (pLDDT)",
      isFor: (rna) => rna.plddt,
      of: (rna, fold, i) => ofConfidence(rna.plddt[i]),
      legend: bands.map(([, color, label]) => [label, color]),
    },
    // Of a view that has `verdict(i, j)`.
    verdict: {
      label: "pairs, known and predicted",
      isFor: (rna) => rna.verdict,
      of: (rna, fold, i) =>
        fold.partner[i] < 0 ? unpaired : verdicts[rna.verdict(i, fold.partner[i])],
      ofPair: (rna, [i, j]) => verdicts[rna.verdict(i, j)],
      legend: [
        ["right", verdicts.right],
        ["missed", verdicts.missed],
        ["wrong", verdicts.wrong],
        ["unpaired", unpaired],
      ],
    },
    reactivity: {
      label: "reactivity (evidence)",
      isFor: (rna) => rna.reactivities,
      of: (rna, fold, i) => ofReactivity(rna.reactivities[i]),
      legend: [
        ["< 0.4", "#333333"],
        ["0.4 to 0.85", "#e69f00"],
        ["≥ 0.85", "#cc2222"],
        ["no data", noData],
      ],
    },
  };
  // Names and modes of what is known of an RNA.
  const modesOf = (rna) => Object.entries(modes).filter(([, { isFor }]) => !isFor || isFor(rna));
  const isDark = (color) => {
    const { r, g, b } = d3.rgb(color);
    return 0.299 * r + 0.587 * g + 0.114 * b < 140;
  };
  return {
    modes, modesOf, ofProbability, ofConfidence, isDark, mark: "#d55e00", marked: "#b0559b", backbone: "#999999",
  };
})();
