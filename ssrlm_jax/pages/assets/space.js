"use strict";
// The structure in space, drawn by 3Dmol.js. A nucleotide is where its C1' atom is.

ssrlm.space = (stage) => {
  const { state, bus, colors } = ssrlm;
  const nearPixels = 14; // from the pointer to the nucleotide that is meant
  const turn = 10; // degrees of a key
  const styles = {
    cartoon: (color) => ({ cartoon: { color, thickness: 0.5 } }),
    sticks: (color) => ({ stick: { color, radius: 0.25 } }),
    spheres: (color) => ({ sphere: { color } }),
    both: (color) => ({ cartoon: { color, opacity: 0.8 }, stick: { color, radius: 0.15 } }),
  };
  let style = "cartoon";
  let shown = null; // the RNA whose atoms are there
  let places = []; // of C1' atoms, by position
  let pointed = [];
  let downAt = null;

  const probe = document.createElement("canvas");
  if (!probe.getContext("webgl2") && !probe.getContext("webgl")) {
    stage.textContent = "This browser cannot draw in space (WebGL is missing or switched off); the files below hold the atoms.";
    return { fit: () => {}, zoomBy: () => {}, styles: Object.keys(styles), setStyle: () => {} };
  }
  const viewer = $3Dmol.createViewer(stage, { backgroundColor: "white", antialias: true });
  bus.on("fold.space", load);
  bus.on("color.space", paint);
  bus.on("hover.space", point);
  bus.on("mark.space", paint);
  new ResizeObserver(() => viewer.resize()).observe(stage);
  stage.addEventListener("keydown", key);
  stage.addEventListener("pointermove", (event) => !event.buttons && ssrlm.hover(under(event)));
  stage.addEventListener("pointerleave", () => ssrlm.hover(-1));
  stage.addEventListener("pointerdown", ({ clientX, clientY }) => (downAt = [clientX, clientY]), true);
  stage.addEventListener("click", ({ clientX, clientY }) => {
    const isDrag = downAt && Math.hypot(clientX - downAt[0], clientY - downAt[1]) > 4;
    if (!isDrag && state.hover >= 0) ssrlm.mark(state.hover);
  });

  async function load() {
    const { rna } = state;
    if (shown === rna) return;
    shown = rna;
    places = []; // those of the former are none of this one's
    const kind = rna.atoms.pdb ? "pdb" : "cif";
    const text = await ssrlm.inflated(rna.atoms[kind]);
    if (shown !== rna) return; // another was chosen meanwhile
    viewer.removeAllModels();
    viewer.removeAllShapes();
    pointed = [];
    viewer.addModel(text, kind, { doAssembly: false });
    places = new Array(rna.length).fill(null);
    for (const { resi, x, y, z } of viewer.selectedAtoms({ atom: "C1'" })) places[resi - 1] = { x, y, z };
    paint();
    fit();
    stage.dataset.shown = rna.name; // for who waits
  }

  // Colours the atoms of each nucleotide; runs of one colour are set together.
  function paint() {
    const { rna, fold, marked } = state;
    if (shown !== rna || !places.length) return;
    const { of } = colors.modes[state.color];
    const own = d3.range(rna.length).map((i) => (marked.has(i) ? colors.marked : of(rna, fold, i)));
    for (const [color, all] of d3.group(d3.range(rna.length), (i) => own[i])) {
      const look = styles[style](color === "#eeeeee" ? "#bbbbbb" : color);
      viewer.setStyle({ resi: all.map((i) => i + 1) }, look);
    }
    viewer.render();
  }

  function point() {
    for (const one of pointed) viewer.removeShape(one);
    const { hover, fold } = state;
    const at = hover < 0 ? [] : [hover, ...(fold.pairsOf.get(hover) || [])].filter((i) => places[i]);
    pointed = at.map((i) =>
      viewer.addSphere({ center: places[i], radius: 2.4, color: "black", opacity: i === hover ? 0.55 : 0.3 }),
    );
    if (at.length > 1 && places[hover]) {
      const line = { start: places[hover], end: places[at[1]], radius: 0.3, color: "black", dashed: true };
      pointed.push(viewer.addCylinder(line));
    }
    viewer.render();
  }

  // The nucleotide below the pointer, or -1.
  function under({ pageX, pageY }) {
    const there = d3.range(places.length).filter((i) => places[i]);
    const seen = viewer.modelToScreen(there.map((i) => places[i]));
    const far = seen.map(({ x, y }) => Math.hypot(x - pageX, y - pageY));
    const nearest = d3.leastIndex(far);
    return nearest >= 0 && far[nearest] <= nearPixels ? there[nearest] : -1;
  }

  function key(event) {
    const does = {
      ArrowLeft: () => viewer.rotate(-turn, "y"),
      ArrowRight: () => viewer.rotate(turn, "y"),
      ArrowUp: () => viewer.rotate(-turn, "x"),
      ArrowDown: () => viewer.rotate(turn, "x"),
      Enter: () => state.hover >= 0 && ssrlm.mark(state.hover),
      Escape: () => ssrlm.unmark(),
      "+": () => zoomBy(1.4),
      "=": () => zoomBy(1.4),
      "-": () => zoomBy(1 / 1.4),
      0: fit,
    }[event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    does();
    viewer.render();
  }

  function zoomBy(factor) {
    viewer.zoom(factor);
    viewer.render();
  }

  // Shows all of it, its longest axis upright.
  function fit() {
    viewer.zoomTo();
    const { x, y, z } = longest();
    const [qx, qz, qw] = [-z, x, 1 + y]; // turns the axis to (0, 1, 0)
    const size = Math.hypot(qx, qz, qw);
    const quaternion = size > 1e-3 ? [qx / size, 0, qz / size, qw / size] : [1, 0, 0, 0];
    viewer.setView([...viewer.getView().slice(0, 4), ...quaternion]);
    viewer.render();
  }

  // The direction in which nucleotides lie farthest apart, of length 1.
  function longest() {
    const all = places.filter(Boolean);
    const axes = ["x", "y", "z"];
    const middle = Object.fromEntries(axes.map((axis) => [axis, d3.mean(all, (one) => one[axis])]));
    let direction = { x: 0.3, y: 0.9, z: 0.2 };
    for (let turns = 0; turns < 30; turns++) {
      const next = { x: 0, y: 0, z: 0 };
      for (const one of all) {
        const along = d3.sum(axes, (axis) => (one[axis] - middle[axis]) * direction[axis]);
        for (const axis of axes) next[axis] += along * (one[axis] - middle[axis]);
      }
      const size = Math.hypot(next.x, next.y, next.z);
      if (!size) return { x: 0, y: 1, z: 0 }; // of one nucleotide
      direction = Object.fromEntries(axes.map((axis) => [axis, next[axis] / size]));
    }
    return direction;
  }

  return {
    fit,
    zoomBy,
    styles: Object.keys(styles),
    setStyle: (name) => {
      style = name;
      paint();
    },
  };
};
