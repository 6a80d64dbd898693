"use strict";
// Puts the parts of a report of an evaluation together.

(() => {
  const { rnas, num_rnas: numRnas, methods } = JSON.parse(document.getElementById("evaluation").textContent);
  const { state, bus, make, controls, charts } = ssrlm;
  const at = (id) => document.getElementById(id);
  const [method, structure, color] = ["method", "structure", "color"].map(at);
  let chosen = methods.length - 1;
  let rna = null; // with its known and its predicted structure
  let scored = null; // what is said of it

  const drawing = ssrlm.drawing(at("drawing"), at("legend"));
  const arcs = ssrlm.arcs(at("arcs"));
  ssrlm.text(at("letters"));
  at("drawing-tools").append(...controls.zooms("drawing", drawing));
  at("arcs-tools").append(...controls.zooms("arcs", arcs));
  const texts = controls.texts();
  at("copies").append(...controls.copies());
  at("files").append("Save what is drawn as", ...texts.buttons, ...controls.drawn(drawing));
  bus.on("fold.evaluation", describe);
  bus.on("hover.evaluation", about);
  state.color = "verdict";

  controls.fill(method, methods.map(({ name }, n) => [name, n]));
  method.value = chosen;
  method.addEventListener("change", () => choose(+method.value));
  structure.addEventListener("change", () => show(+structure.value));
  color.addEventListener("change", () => ssrlm.set("color", color.value));
  new ResizeObserver(draw).observe(at("distribution"));
  scores();
  at("methods").append(...charts.legend(methods));
  choose(chosen);

  function scores() {
    const columns = [
      { title: "method", of: ({ name }) => name },
      ...columnsOf(({ scores: found }) => found),
    ];
    table("scores", "Scores of all methods", columns, methods);
  }

  // Columns of scores that `of` finds.
  function columnsOf(of) {
    const strict = (one) => of(one).strict || of(one);
    const mean = (found) => charts.interval(found && found.mean);
    return [
      { title: "RNAs", of: (one) => of(one).rnas, isNumber: true },
      { title: "F1", of: (one) => mean(strict(one).f1) },
      { title: "precision", of: (one) => mean(strict(one).precision) },
      { title: "recall", of: (one) => mean(strict(one).recall) },
      { title: "F1, pooled", of: (one) => charts.interval(strict(one).f1.pooled) },
      { title: "F1, slack", of: (one) => mean(of(one).slack && of(one).slack.f1) },
      { title: "MCC", of: (one) => mean(strict(one).mcc) },
      { title: "AUPRC", of: (one) => mean(of(one).average_precision) },
    ];
  }

  function table(id, caption, columns, items, choose = null) {
    ssrlm.table({ root: at(id) }, caption, columns, items, { choose });
  }

  function choose(n) {
    chosen = n;
    const { name, about: facts, scores: found, worst, told } = methods[chosen];
    at("told").replaceChildren(
      ...Object.entries(facts)
        .map(([title, value]) => make("div", {}, make("dt", {}, title), make("dd", {}, value))),
    );
    at("problems").replaceChildren(...told.map((line) => make("li", {}, line)));
    draw();
    const groups = [
      ["all", found],
      ...["parts", "length", "identity"].flatMap((kind) => Object.entries(found[kind] || {})),
    ];
    const columns = [{ title: "of", of: ([title]) => title }, ...columnsOf(([, one]) => one)];
    table("parts", `Scores of ${name} by part`, columns, groups);
    list();
    at("worst-title").textContent = `The worst of ${name}: ${worst.length} of ${numRnas.toLocaleString("en")} RNAs`;
    table("worst", "The worst predictions; a name shows its pictures", worstColumns(), worst, pick);
    pick(0);
  }

  function draw() {
    const { scores: found } = methods[chosen];
    charts.distribution(at("distribution"), methods, chosen);
    at("by-identity").hidden = !found.identity;
    charts.bins(at("length"), methods, chosen, "length");
    if (found.identity) charts.bins(at("identity"), methods, chosen, "identity");
  }

  function list() {
    const { rows } = methods[chosen];
    const places = d3.range(rnas.id.length);
    const isShort = places.length < numRnas;
    at("left").textContent = isShort
      ? `The ${places.length.toLocaleString("en")} worst of ${numRnas.toLocaleString("en")}; the files beside this page have all.`
      : "";
    const of = (values, options) => ({ of: (n) => values[n], isNumber: true, ...options });
    const columns = [
      { title: "name", of: (n) => rnas.id[n] },
      of(rnas.length, { title: "nt" }),
      of(rnas.known, { title: "known" }),
      of(rows.predicted, { title: "predicted" }),
      of(rows.right, { title: "right" }),
      ...["precision", "recall"].map((title) => of(rows[title], { title, digits: 3 })),
      of(rows.f1, { title: "F1", digits: 3 }),
      of(rows.average_precision, { title: "AUPRC", digits: 3 }),
      of(rnas.identity, { title: "identity", digits: 2 }),
    ].filter(({ isNumber, of: value }) => !isNumber || places.some((n) => value(n) !== null));
    const found = { root: at("table"), search: at("search"), count: at("count") };
    ssrlm.table(found, "All RNAs; a heading sorts", columns, places);
  }

  function worstColumns() {
    const of = (name, options = {}) => ({
      title: name, of: (one) => one.scores[name], isNumber: true, ...options,
    });
    return [
      { title: "name", of: (one) => one.name },
      of("length", { title: "nt" }),
      of("known"),
      of("predicted"),
      of("right"),
      ...["precision", "recall"].map((name) => of(name, { digits: 3 })),
      of("f1", { title: "F1", digits: 3 }),
    ];
  }

  function pick(place) {
    const view = methods[chosen].worst[place];
    scored = view.scores;
    rna = ssrlm.rna(view);
    const [known, predicted] = [0, 1].map((n) => keys(view.structures[n].pairs));
    rna.verdict = (a, b) => {
      const key = Math.min(a, b) * rna.length + Math.max(a, b);
      if (known.has(key)) return predicted.has(key) ? "right" : "missed";
      return "wrong";
    };
    Object.assign(state, { rna, hover: -1, marked: new Set() });
    [state.above, state.beside] = [0, 1].map(folded);
    controls.fill(structure, view.structures.map(({ label }, n) => [label, n]));
    const modes = ssrlm.colors.modesOf(rna).filter(([name]) => name !== "paired");
    controls.fill(color, modes.map(([name, { label }]) => [label, name]));
    color.value = state.color;
    show(0);
  }

  function keys(flat) {
    return new Set(d3.pairs(flat).filter((_, n) => n % 2 === 0).map(([i, j]) => i * rna.length + j));
  }

  function folded(n) {
    const { label, pairs, layout } = rna.structures[n];
    return ssrlm.fold(rna, label, pairs, layout);
  }

  function show(n) {
    structure.value = n;
    state.fold = folded(n);
    bus.call("fold", null);
  }

  function describe() {
    const { fold, above, beside } = state;
    at("name").textContent = rna.name || "(no name)";
    const said = [
      `${rna.length} nt`,
      `${above.pairs.length} known pairs`,
      `${beside.pairs.length} predicted`,
      `${scored.right} right`,
      `F1 ${scored.f1.toFixed(3)}`,
    ];
    if (scored.identity !== null) said.push(`identity with the nearest training sequence ${scored.identity.toFixed(2)}`);
    at("facts").textContent = said.join(" · ");
    const [known, predicted] = [above, beside].map((one) => ssrlm.described(rna, one));
    at("drawing").setAttribute("aria-label", `drawing of ${rna.name}, ${fold.label}: ${ssrlm.described(rna, fold)}`);
    at("arcs").setAttribute("aria-label", `arcs of ${rna.name}; known, above: ${known}; predicted, below: ${predicted}`);
    texts.update();
    about();
  }

  function about() {
    const { above, beside, hover } = state;
    if (hover < 0) {
      at("about").textContent = "Point at a nucleotide, or walk along the drawing by keys.";
      return;
    }
    const name = (i) => `${rna.sequence[i]}${i + 1}`;
    const partners = (fold) => (fold.pairsOf.get(hover) || []).map(name).join(" and ") || "none";
    const chances = (beside.pairsOf.get(hover) || []).map((j) => rna.chance(hover, j)).filter(Boolean);
    const sure = chances.length ? `, probability ${chances.map((p) => p.toFixed(2)).join(" and ")}` : "";
    at("about").textContent = `${name(hover)}: known partner ${partners(above)}; predicted ${partners(beside)}${sure}`;
  }
})();
