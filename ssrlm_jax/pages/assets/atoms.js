"use strict";
// Puts the parts of a report of predicted atoms together.

(() => {
  const rnas = JSON.parse(document.getElementById("rnas").textContent);
  const { state, bus, controls } = ssrlm;
  const at = (id) => document.getElementById(id);
  const [color, style] = ["color", "style"].map(at);
  state.color = "plddt";

  const pictures = {
    space: ssrlm.space(at("space")),
    drawing: ssrlm.drawing(at("drawing"), at("legend")),
    map: ssrlm.map(at("map")),
  };
  ssrlm.confidence(at("confidence"));
  ssrlm.text(at("letters"));
  for (const [name, picture] of Object.entries(pictures)) {
    at(`${name}-tools`).append(...controls.zooms(name === "space" ? "structure in space" : name, picture));
  }
  const texts = controls.texts();
  const atoms = ["pdb", "cif"].map((kind) => {
    const save = async () => ssrlm.files.saveAs(await ssrlm.inflated(state.rna.atoms[kind]), state.rna.name, kind);
    return [kind, controls.button(`.${kind}`, save, `save the atoms as ${kind}`)];
  });
  at("copies").append(...controls.copies());
  at("files").append(
    "Save as",
    ...atoms.map(([, button]) => button),
    ...texts.buttons,
    ...controls.drawn(pictures.drawing),
  );

  bus.on("fold.atoms", describe);
  bus.on("hover.atoms", about);
  color.addEventListener("change", () => ssrlm.set("color", color.value));
  controls.fill(style, pictures.space.styles.map((name) => [name === "both" ? "cartoon and sticks" : name, name]));
  style.addEventListener("change", () => pictures.space.setStyle(style.value));
  const told = (name, title, options = {}) => ({
    title, of: (rna) => rna.told[name], isNumber: true, ...options,
  });
  const columns = [
    { title: "name", of: ({ name }) => name },
    { title: "nt", of: ({ sequence }) => sequence.length, isNumber: true },
    told("mean_plddt", "mean pLDDT", { digits: 1 }),
    { title: "pairs", of: (rna) => rna.structures[0].pairs.length / 2, isNumber: true },
    told("clashes", "clashes"),
    told("bond_outliers", "bonds outside"),
    told("broken_links", "broken links"),
    told("wrong_chirality", "wrong hands"),
  ];
  const found = { root: at("table"), search: at("search"), count: at("count") };
  const caption = "All structures; a heading sorts, a name shows its pictures";
  ssrlm.table(found, caption, columns, rnas, { choose, text: ({ sequence }) => sequence });
  choose(0);

  function choose(place) {
    const rna = ssrlm.rna(rnas[place]);
    Object.assign(state, { rna, hover: -1, marked: new Set() });
    const modes = ssrlm.colors.modesOf(rna);
    controls.fill(color, modes.map(([name, { label }]) => [label, name]));
    color.value = state.color;
    const { label, pairs, layout } = rna.structures[0];
    state.fold = ssrlm.fold(rna, label, pairs, layout);
    bus.call("fold", null);
  }

  function describe() {
    const { rna, fold } = state;
    const { mean_plddt: mean, clashes, bond_outliers: outside, bonds, broken_links: broken, wrong_chirality: wrong, cycles } = rna.told;
    at("name").textContent = rna.name || "(no name)";
    at("facts").textContent = [
      `${rna.length} nt`,
      `mean pLDDT ${mean.toFixed(1)}`,
      `${fold.pairs.length} pairs`,
      `${clashes} clashes of atoms`,
      `${outside} of ${bonds} bonds outside what is usual, ${broken} of them between nucleotides`,
      `${wrong} wrong hands`,
      `${cycles} cycles`,
    ].join(" · ");
    const text = ssrlm.described(rna, fold);
    const bands = d3.rollups(rna.plddt, (all) => all.length, (one) => (one >= 90 ? "90 and more" : one >= 70 ? "70 to 90" : one >= 50 ? "50 to 70" : "below 50"));
    const sure = `mean pLDDT ${mean.toFixed(1)}; ${bands.map(([band, count]) => `${band}: ${count}`).join(", ")} nucleotides`;
    at("space").setAttribute("aria-label", `structure in space of ${rna.name}: ${rna.length} nucleotides, ${sure}`);
    at("confidence").setAttribute("aria-label", `confidence along ${rna.name}: ${sure}`);
    at("drawing").setAttribute("aria-label", `drawing of ${rna.name}: ${text}`);
    at("map").setAttribute("aria-label", `map of pairs of ${rna.name}: ${text}`);
    texts.update();
    for (const [kind, button] of atoms) {
      button.disabled = !rna.atoms[kind];
      button.title = rna.atoms[kind] ? `save the atoms as ${kind}` : "the format cannot hold so many atoms";
    }
    about();
  }

  function about() {
    const { rna, fold, hover } = state;
    at("about").textContent =
      hover < 0 ? "Point at a nucleotide, or walk along the drawing by keys." : ssrlm.about(rna, fold, hover);
  }
})();
