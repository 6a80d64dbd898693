"use strict";
// The drawing: nucleotides where ViennaRNA's layout puts them, pairs as lines. Pairs
// that do not shape the layout, such as those of pseudoknots, are dashed curves.
// Everything is drawn by attributes: a saved file looks the same.

ssrlm.drawing = (stage, legend) => {
  const { state, bus, colors } = ssrlm;
  const unit = 20; // of a step
  const near = 2.2; // steps, from one nucleotide of a straight pair to the other
  const bend = 0.25; // of a curve: how far off a straight line
  const margin = 3.5; // steps around, for positions
  const letterPixels = 7; // of a letter that is shown, at least
  const labelPixels = 11;

  const svg = d3.select(stage).append("svg").attr("width", "100%").attr("height", "100%");
  svg.attr("font-family", "Helvetica, Arial, sans-serif").attr("aria-hidden", "true");
  const view = svg.append("g");
  const layer = (name) => view.append("g").attr("data-layer", name);
  const halo = layer("halo").append("path");
  const backbone = layer("backbone").append("path");
  const [bonds, pointed, ticks, nodes, letters, labels, cursor] = [
    "pairs", "cursor", "ticks", "nucleotides", "letters", "positions", "cursor",
  ].map(layer);
  halo.attr("fill", "none").attr("stroke", colors.mark).attr("stroke-opacity", 0.45);
  halo.attr("stroke-width", 1.5 * unit).attr("stroke-linecap", "round");
  halo.attr("stroke-linejoin", "round");
  backbone.attr("fill", "none").attr("stroke", colors.backbone).attr("stroke-width", 2);
  letters.attr("font-size", 0.58 * unit).attr("text-anchor", "middle");
  labels.attr("text-anchor", "middle").attr("fill", "#222222");
  ticks.attr("stroke", "#555555");
  nodes.attr("stroke", "#8a8a8a").attr("stroke-width", 0.6);
  for (const one of [pointed, cursor]) one.attr("fill", "none").attr("stroke", "#000000");

  let tree = null;
  let [x, y] = [[], []];
  let scale = 1; // pixels of a unit
  let shownRna = null;
  const zoom = d3.zoom().on("zoom", ({ transform }) => {
    view.attr("transform", transform);
    scale = transform.k;
    detail();
  });
  zoom.on("end", relabel);
  svg.call(zoom).on("dblclick.zoom", null);

  svg.on("pointermove", (event) => {
    const [px, py] = d3.pointer(event, view.node());
    const found = tree && tree.find(px, py, Math.max(0.8 * unit, 12 / scale));
    ssrlm.hover(found === undefined || found === null ? -1 : found);
  });
  svg.on("pointerleave", () => ssrlm.hover(-1));
  svg.on("click", () => {
    if (state.hover >= 0) ssrlm.mark(state.hover);
  });
  stage.addEventListener("keydown", key);
  new ResizeObserver(() => state.fold && fit()).observe(stage);
  bus.on("fold.drawing", draw);
  bus.on("color.drawing", color);
  bus.on("hover.drawing", point);
  bus.on("mark.drawing", mark);

  function draw() {
    const { rna, fold } = state;
    [x, y] = [fold.x, fold.y].map((axis) => axis.map((one) => one * unit));
    const all = d3.range(rna.length);
    tree = d3.quadtree(all, (i) => x[i], (i) => y[i]);
    backbone.attr("d", run(0, rna.length, rna.breaks));
    bonds.selectAll("path").data(fold.pairs).join("path")
      .attr("d", bond).attr("fill", "none").attr("stroke-linecap", "round")
      .attr("stroke-dasharray", (pair) => (isStraight(pair) ? null : "5 4"));
    nodes.selectAll("circle").data(all).join("circle")
      .attr("cx", (i) => x[i]).attr("cy", (i) => y[i]).attr("r", 0.42 * unit);
    letters.selectAll("text").data(all).join("text")
      .attr("x", (i) => x[i]).attr("y", (i) => y[i]).attr("dy", "0.36em")
      .text((i) => rna.sequence[i]);
    color();
    mark();
    const isOther = shownRna !== rna;
    shownRna = rna;
    if (isOther || isOut()) fit();
    else relabel();
  }

  function isStraight([i, j]) {
    return Math.hypot(x[i] - x[j], y[i] - y[j]) <= near * unit;
  }

  function bond([i, j]) {
    const [dx, dy] = [x[j] - x[i], y[j] - y[i]];
    if (isStraight([i, j])) return `M${x[i]},${y[i]}L${x[j]},${y[j]}`;
    const [mx, my] = [(x[i] + x[j]) / 2 + bend * dy, (y[i] + y[j]) / 2 - bend * dx];
    return `M${x[i]},${y[i]}Q${mx},${my} ${x[j]},${y[j]}`;
  }

  // The line through nucleotides, with a gap between strands.
  function run(first, end, breaks = []) {
    let text = "";
    for (let i = first; i < end; i++) {
      text += `${i === first || breaks.includes(i) ? "M" : "L"}${x[i].toFixed(1)},${y[i].toFixed(1)}`;
    }
    return text;
  }

  function color() {
    const { rna, fold } = state;
    const mode = colors.modes[state.color];
    const fills = d3.range(rna.length).map((i) => mode.of(rna, fold, i));
    nodes.selectAll("circle").attr("fill", (i) => fills[i]);
    letters.selectAll("text").attr("fill", (i) => (colors.isDark(fills[i]) ? "white" : "black"));
    bonds.selectAll("path")
      .attr("stroke", (pair) => (mode.ofPair ? mode.ofPair(rna, pair) : "#666666"))
      .attr("stroke-width", (pair) => (isStraight(pair) ? 4 : 2.5));
    legend.replaceChildren(ssrlm.legend(mode));
  }

  function mark() {
    const { rna, marked } = state;
    let text = "";
    for (let i = 0; i < rna.length; i++) {
      if (!marked.has(i)) continue;
      const isOpen = i > 0 && marked.has(i - 1);
      text += `${isOpen ? "L" : "M"}${x[i]},${y[i]}`;
      if (!isOpen) text += `l0.01,0`; // one alone is a dot
    }
    halo.attr("d", text || null);
    bonds.selectAll("path").attr("stroke-opacity", ([i, j]) =>
      !marked.size || (marked.has(i) && marked.has(j)) ? 1 : 0.45,
    );
  }

  function point() {
    const { fold, hover } = state;
    const others = hover < 0 ? [] : fold.pairsOf.get(hover) || [];
    cursor.selectAll("circle").data(hover < 0 ? [] : [hover, ...others]).join("circle")
      .attr("cx", (i) => x[i]).attr("cy", (i) => y[i]).attr("r", 0.52 * unit);
    pointed.selectAll("path").data(others).join("path").attr("d", (j) => bond([hover, j]));
  }

  function detail() {
    letters.attr("display", scale * 0.58 * unit < letterPixels ? "none" : null);
    backbone.attr("stroke-width", Math.max(2, 1 / scale));
    for (const one of [pointed, cursor]) one.attr("stroke-width", Math.max(3, 2 / scale));
  }

  function box() {
    const [x0, x1] = d3.extent(x);
    const [y0, y1] = d3.extent(y);
    const around = margin * unit;
    return { x: x0 - around, y: y0 - around, width: x1 - x0 + 2 * around, height: y1 - y0 + 2 * around };
  }

  // Whether part of the structure is out of sight.
  function isOut() {
    const { width, height } = stage.getBoundingClientRect();
    const transform = d3.zoomTransform(svg.node());
    const { x: left, y: top, width: wide, height: high } = box();
    const [x0, y0] = transform.apply([left, top]);
    const [x1, y1] = transform.apply([left + wide, top + high]);
    const slack = margin * unit * scale;
    return x0 < -slack || y0 < -slack || x1 > width + slack || y1 > height + slack;
  }

  function fit() {
    const { width, height } = stage.getBoundingClientRect();
    if (!width || !height) return;
    const { x: left, y: top, width: wide, height: high } = box();
    const edge = 2.5 * labelPixels; // of a long RNA, positions take more than the margin
    const k = Math.min((width - 2 * edge) / wide, (height - 2 * edge) / high, 2);
    zoom.scaleExtent([k / 2, Math.max(4, 2 * k)]);
    const at = d3.zoomIdentity
      .translate(width / 2, height / 2)
      .scale(k)
      .translate(-left - wide / 2, -top - high / 2);
    svg.call(zoom.transform, at);
    relabel();
  }

  // Writes both ends and round positions, so large that they can be read, where there
  // is room; a position without room is left out.
  function relabel() {
    const { rna } = state;
    if (!rna) return;
    const size = Math.max(0.5 * unit, labelPixels / scale);
    placeLabels(size, step(90 / (unit * scale)));
  }

  function step(least) {
    for (let power = 10; ; power *= 10) {
      for (const one of [1, 2, 5]) if (one * power >= least) return one * power;
    }
  }

  function placeLabels(size, every) {
    const { rna } = state;
    const { length } = rna;
    const names = new Map(d3.range(every, length + 1, every).map((n) => [n - 1, String(n)]));
    const ends = new Map([[0, "5′"], [length - 1, "3′"]]);
    if (length > 1) ends.forEach((name, i) => names.set(i, name));
    const order = [...names.keys()].sort((a, b) => ends.has(b) - ends.has(a) || a - b);
    const placed = [];
    for (const i of order) {
      const found = place(i, size, names.get(i).length, placed, ends.has(i));
      if (found) placed.push({ i, name: names.get(i), ...found });
    }
    labels.attr("font-size", size).selectAll("text").data(placed).join("text")
      .attr("x", (one) => one.x).attr("y", (one) => one.y).attr("dy", "0.36em")
      .attr("font-weight", ({ i }) => (ends.has(i) ? "bold" : null))
      .text((one) => one.name);
    ticks.attr("stroke-width", Math.max(0.8, 0.7 / scale))
      .selectAll("line").data(placed).join("line")
      .attr("x1", ({ i, x: to }) => d3.interpolate(x[i], to)(0.3))
      .attr("y1", ({ i, y: to }) => d3.interpolate(y[i], to)(0.3))
      .attr("x2", ({ i, x: to }) => d3.interpolate(x[i], to)(0.55))
      .attr("y2", ({ i, y: to }) => d3.interpolate(y[i], to)(0.55));
  }

  // The freest place around a nucleotide, or null.
  function place(i, size, count, placed, isNeeded) {
    const half = 0.3 * size * count + 0.2 * size; // of the text's width
    let best = null;
    for (const distance of [1.3, 1.9, 2.6]) {
      for (let angle = 0; angle < 2 * Math.PI; angle += Math.PI / 12) {
        const reach = 0.42 * unit + distance * size * (1 + 0.25 * (count - 1) * Math.abs(Math.cos(angle)));
        const at = { x: x[i] + reach * Math.cos(angle), y: y[i] + reach * Math.sin(angle) };
        const room = roomAt(at, half, size, placed);
        if (!best || room > best.room + 0.1 * size) best = { ...at, room };
      }
      if (best.room > 0) break;
    }
    return best.room > -0.15 * size || isNeeded ? best : null;
  }

  // How far a text is from nucleotides and other texts; negative: they overlap.
  function roomAt(at, half, size, placed) {
    let room = Infinity;
    for (const dx of [-half, 0, half]) {
      const n = tree.find(at.x + dx, at.y);
      room = Math.min(room, Math.hypot(x[n] - at.x - dx, y[n] - at.y) - 0.42 * unit - 0.45 * size);
    }
    for (const other of placed) {
      const wide = Math.abs(other.x - at.x) - half - 0.3 * size * other.name.length;
      const high = Math.abs(other.y - at.y) - 1.1 * size;
      room = Math.min(room, Math.max(wide, high));
    }
    return room;
  }

  function key(event) {
    const { rna, fold, hover } = state;
    const partner = hover >= 0 ? fold.partner[hover] : -1;
    const last = rna.length - 1;
    const pan = (dx, dy) => svg.call(zoom.translateBy, dx / scale, dy / scale);
    const does = {
      ArrowRight: () => (event.shiftKey ? pan(-60, 0) : ssrlm.hover(Math.min(last, hover + 1))),
      ArrowLeft: () => (event.shiftKey ? pan(60, 0) : ssrlm.hover(Math.max(0, hover - 1))),
      ArrowUp: () => (event.shiftKey ? pan(0, 60) : partner >= 0 && ssrlm.hover(partner)),
      ArrowDown: () => (event.shiftKey ? pan(0, -60) : partner >= 0 && ssrlm.hover(partner)),
      Home: () => ssrlm.hover(0),
      End: () => ssrlm.hover(last),
      Enter: () => hover >= 0 && ssrlm.mark(hover),
      " ": () => hover >= 0 && ssrlm.mark(hover),
      Escape: () => ssrlm.unmark(),
      "+": () => zoomBy(1.4),
      "=": () => zoomBy(1.4),
      "-": () => zoomBy(1 / 1.4),
      0: fit,
    }[event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    does();
  }

  function zoomBy(factor) {
    svg.call(zoom.scaleBy, factor);
  }

  // The drawing as a file: all of it, letters where it is not too long, the legend.
  function exported() {
    const copy = svg.node().cloneNode(true);
    const { x: left, y: top, width, height } = box();
    const key = ssrlm.legend(colors.modes[state.color]);
    const room = 60;
    const wide = Math.max(width, +key.getAttribute("width") + 20);
    for (const [name, value] of Object.entries({
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `${left} ${top} ${wide} ${height + room}`,
      width: Math.ceil(wide),
      height: Math.ceil(height + room),
    })) {
      copy.setAttribute(name, value);
    }
    copy.removeAttribute("aria-hidden");
    const group = copy.querySelector("g");
    group.removeAttribute("transform");
    group.querySelectorAll("[data-layer=cursor]").forEach((one) => one.remove());
    if (state.rna.length <= 1500) {
      group.querySelector("[data-layer=letters]").removeAttribute("display");
    }
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = `${state.rna.name}: ${state.fold.label}`;
    copy.prepend(title);
    key.setAttribute("x", left + 10);
    key.setAttribute("y", top + height);
    copy.append(key);
    return copy;
  }

  return { fit, zoomBy, exported };
};

// What colours mean: an SVG of one line.
ssrlm.legend = (mode) => {
  const svg = d3.create("svg:svg").attr("height", 40).attr("font-size", 12);
  svg.attr("font-family", "Helvetica, Arial, sans-serif").attr("fill", "#222222");
  svg.attr("role", "img").attr("aria-label", `colours: ${mode.label}`);
  svg.append("text").attr("x", 0).attr("y", 14).text(mode.label);
  if (mode.scale) {
    const cells = d3.range(0, 1, 0.02);
    svg.append("g").selectAll("rect").data(cells).join("rect")
      .attr("x", (p) => 40 + 180 * p).attr("y", 20).attr("width", 4.2).attr("height", 12)
      .attr("fill", (p) => ssrlm.colors.ofProbability(p + 0.01));
    svg.append("text").attr("x", 32).attr("y", 31).attr("text-anchor", "end").text("0");
    svg.append("text").attr("x", 230).attr("y", 31).text("1");
    return sized(260);
  }
  let at = 0;
  for (const [name, color] of mode.legend) {
    svg.append("circle").attr("cx", at + 6).attr("cy", 27).attr("r", 6).attr("fill", color)
      .attr("stroke", "#8a8a8a").attr("stroke-width", 0.6);
    svg.append("text").attr("x", at + 17).attr("y", 31).text(name);
    at += 34 + 7 * name.length;
  }
  return sized(Math.max(at, 8 * mode.label.length));

  // What is wider than its place is drawn smaller.
  function sized(width) {
    return svg.attr("width", width).attr("viewBox", `0 0 ${width} 40`)
      .attr("preserveAspectRatio", "xMinYMin meet").node();
  }
};
