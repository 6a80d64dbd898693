"use strict";
// Puts the parts of a report of folded RNA together: what is chosen, and who shows it.

(() => {
  const rnas = JSON.parse(document.getElementById("rnas").textContent);
  const { state, bus, make } = ssrlm;
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
    const tools = [
      ["+", `zoom into the ${name}`, () => picture.zoomBy(1.5)],
      ["−", `zoom out of the ${name}`, () => picture.zoomBy(1 / 1.5)],
      ["fit", `fit the ${name}`, picture.fit],
    ];
    at(`${name}-tools`).append(...tools.map(([text, label, does]) => button(text, does, label)));
  }
  at("copies").append(
    button("copy letters", (event) => copied(event, state.rna.sequence)),
    button("copy dot-bracket", (event) => copied(event, state.fold.dots)),
    button("copy both", (event) => copied(event, ssrlm.files.writers.dbn(state.rna, state.fold))),
  );
  const texts = Object.keys(ssrlm.files.writers).map((kind) => [
    kind,
    button(`.${kind}`, () => ssrlm.files.saveText(kind, state.rna, state.fold), `save as ${kind}`),
  ]);
  at("files").append(
    "Save as",
    ...texts.map(([, one]) => one),
    button(".svg", () => ssrlm.files.saveSvg(pictures.drawing.exported(), state.rna.name), "save the drawing as svg"),
    button(".png", () => ssrlm.files.savePng(pictures.drawing.exported(), state.rna.name), "save the drawing as png"),
  );

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
  ssrlm.table(at("table"), at("search"), at("count"), rnas, choose);
  at("back").hidden = !/^\/jobs\/[^/]+\/report$/.test(location.pathname); // of `ssrlm serve`
  choose(0);

  function button(text, does, label = null) {
    const made = make("button", { type: "button", "aria-label": label, title: label }, text);
    made.addEventListener("click", does);
    return made;
  }

  function choose(place) {
    const rna = ssrlm.rna(rnas[place]);
    Object.assign(state, { rna, hover: -1, marked: new Set(), beside: null });
    const options = rna.structures.map(({ label, energy }, n) => {
      const shown = energy === undefined ? label : `${label} (${energy} kcal/mol)`;
      return [n ? shown : `${label}, probability ≥ ${rna.threshold}`, n];
    });
    fill(structure, [...options, ["predicted at another threshold", another]]);
    fill(beside, [["nothing", ""], ...options.slice(1)]);
    const modes = Object.entries(ssrlm.colors.modes).filter(
      ([name]) => name !== "reactivity" || rna.reactivities,
    );
    fill(color, modes.map(([name, { label }]) => [label, name]));
    if (!modes.some(([name]) => name === state.color)) state.color = "pairs";
    color.value = state.color;
    threshold.max = rna.steps.thresholds.length - 1;
    threshold.value = ownStop(rna);
    show(folded(0));
  }

  function fill(select, options) {
    select.replaceChildren(...options.map(([text, value]) => make("option", { value }, text)));
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
    for (const [kind, one] of texts) {
      const why = ssrlm.files.why(kind, rna, fold);
      one.disabled = Boolean(why);
      one.title = why || `save as ${kind}`;
    }
    const link = at("canvas");
    if (fold.dots === null) link.removeAttribute("href");
    else link.href = ssrlm.files.canvasLink(rna, fold);
    about();
  }

  function about() {
    const { rna, fold, hover } = state;
    at("about").textContent =
      hover < 0 ? "Point at a nucleotide, or walk along the drawing by keys." : ssrlm.about(rna, fold, hover);
  }

  async function copied({ target }, text) {
    const before = target.dataset.text || target.textContent;
    target.dataset.text = before;
    try {
      await ssrlm.files.copy(text);
      target.textContent = "copied";
    } catch (error) {
      target.textContent = error.message;
    }
    setTimeout(() => (target.textContent = before), 1500);
  }
})();
