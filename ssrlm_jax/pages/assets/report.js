"use strict";
// Puts the parts of a report of folded RNA together: what is chosen, and who shows it.

(() => {
  const rnas = JSON.parse(document.getElementById("rnas").textContent);
  const { state, bus, controls } = ssrlm;
  const at = (id) => document.getElementById(id);
  const [structure, threshold, color, beside] = ["structure", "threshold", "color", "beside"].map(at);
  const another = "another"; // threshold than the own one

  const pictures = {
    drawing: ssrlm.drawing(at("drawing"), at("legend")),
    map: ssrlm.map(at("map")),
    arcs: ssrlm.arcs(at("arcs")),
  };
  ssrlm.text(at("letters"));
  for (const [name, picture] of Object.entries(pictures)) {
    at(`${name}-tools`).append(...controls.zooms(name, picture));
  }
  const texts = controls.texts();
  at("copies").append(...controls.copies());
  at("files").append("Save as", ...texts.buttons, ...controls.drawn(pictures.drawing));

  bus.on("fold.report", describe);
  bus.on("hover.report", about);
  structure.addEventListener("change", () => {
    if (structure.value === another) slide();
    else show(folded(+structure.value));
  });
  threshold.addEventListener("input", slide);
  color.addEventListener("change", () => ssrlm.set("color", color.value));
  beside.addEventListener("change", () => {
    state.beside = beside.value === "" ? null : folded(+beside.value);
    bus.call("fold", null);
  });
  const found = { root: at("table"), search: at("search"), count: at("count") };
  const caption = "All RNAs; a heading sorts, a name shows its pictures";
  ssrlm.table(found, caption, columns(), rnas, { choose, text: ({ sequence }) => sequence });
  at("back").hidden = !/^\/jobs\/[^/]+\/report$/.test(location.pathname); // of `ssrlm serve`
  choose(0);

  function columns() {
    const mean = (rna) => {
      const pairs = d3.pairs(rna.structures[0].pairs).filter((_, n) => n % 2 === 0);
      return pairs.length ? d3.mean(pairs, ([i, j]) => ssrlm.chanceIn(rna, i, j)) : null;
    };
    const like = ({ relatives: [nearest] }) =>
      nearest ? `${nearest.name} (${Math.round(100 * nearest.identity)}% equal)` : "";
    return [
      { title: "name", of: (rna) => rna.name },
      { title: "nt", of: (rna) => rna.sequence.length, isNumber: true },
      { title: "pairs", of: (rna) => rna.structures[0].pairs.length / 2, isNumber: true },
      { title: "mean probability", of: mean, isNumber: true, digits: 2 },
      { title: "expected F1", of: (rna) => rna.expected_f1, isNumber: true, digits: 2 },
      { title: "like", of: like },
    ];
  }

  function choose(place) {
    const rna = ssrlm.rna(rnas[place]);
    Object.assign(state, { rna, hover: -1, marked: new Set(), beside: null });
    const options = rna.structures.map(({ label, energy }, n) => {
      const shown = energy === undefined ? label : `${label} (${energy} kcal/mol)`;
      return [n ? shown : `${label}, probability ≥ ${rna.threshold}`, n];
    });
    controls.fill(structure, [...options, ["predicted at another threshold", another]]);
    controls.fill(beside, [["nothing", ""], ...options.slice(1)]);
    const modes = ssrlm.colors.modesOf(rna);
    controls.fill(color, modes.map(([name, { label }]) => [label, name]));
    if (!modes.some(([name]) => name === state.color)) state.color = "pairs";
    color.value = state.color;
    threshold.max = rna.steps.thresholds.length - 1;
    threshold.value = ownStop(rna);
    show(folded(0));
  }

  function ownStop(rna) {
    return d3.leastIndex(rna.steps.thresholds, (one) => Math.abs(one - rna.threshold));
  }

  function folded(n) {
    const { label, pairs, layout } = state.rna.structures[n];
    return ssrlm.fold(state.rna, label, pairs, layout);
  }

  function slide() {
    const stop = +threshold.value;
    const isOwn = stop === ownStop(state.rna);
    structure.value = isOwn ? "0" : another;
    show(isOwn ? folded(0) : ssrlm.foldAt(state.rna, stop));
  }

  function show(fold) {
    state.fold = fold;
    bus.call("fold", null);
  }

  function describe() {
    const { rna, fold } = state;
    at("name").textContent = rna.name || "(no name)";
    const said = [`${rna.length} nt`, `${fold.pairs.length} pairs`];
    if (fold.pairs.length) {
      const mean = d3.mean(fold.pairs, ([i, j]) => rna.chance(i, j));
      said.push(`mean probability ${mean.toFixed(2)}`);
    }
    if (rna.expected_f1 !== null && structure.value === "0") {
      said.push(`expected F1 ${rna.expected_f1.toFixed(2)}`);
    }
    for (const { name, identity, aligned } of rna.relatives) {
      const [equal, reach] = [identity, aligned].map((one) => `${Math.round(100 * one)}%`);
      said.push(`like ${name} (${equal} equal, ${reach} aligned)`);
    }
    at("facts").textContent = said.join(" · ");
    const stop = +threshold.value;
    at("least").textContent = rna.steps.thresholds[stop].toFixed(2);
    const text = ssrlm.described(rna, fold);
    at("drawing").setAttribute("aria-label", `drawing of ${rna.name}, ${fold.label}: ${text}`);
    at("arcs").setAttribute("aria-label", `arcs of ${rna.name}, ${fold.label}: ${text}`);
    const sure = rna.probabilities.permille.filter((p) => p >= 500).length;
    at("map").setAttribute(
      "aria-label",
      `map of ${rna.name}: ${rna.probabilities.i.length} pairs with a probability of 0.01 or more, ` +
        `${sure} of 0.5 or more; ${text}`,
    );
    texts.update();
    controls.link(at("canvas"));
    about();
  }

  function about() {
    const { rna, fold, hover } = state;
    at("about").textContent =
      hover < 0 ? "Point at a nucleotide, or walk along the drawing by keys." : ssrlm.about(rna, fold, hover);
  }
})();
