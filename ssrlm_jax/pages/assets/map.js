"use strict";
// The map: below the diagonal the probability of every pair, above it the structure.
// Cells are painted on a canvas; a long RNA has more of them than SVG can carry.

ssrlm.map = (stage) => {
  const { state, bus, colors } = ssrlm;
  const margin = { left: 44, top: 10, right: 10, bottom: 24 };
  const canvas = d3.select(stage).append("canvas").attr("aria-hidden", "true").node();
  const context = canvas.getContext("2d");
  const svg = d3.select(stage).append("svg").attr("aria-hidden", "true");
  const axes = [svg.append("g"), svg.append("g")];
  let side = 0;
  let [sx, sy] = [d3.scaleLinear(), d3.scaleLinear()];
  let shownRna = null;
  let frame = 0;

  const zoom = d3.zoom().on("zoom", () => later());
  svg.call(zoom).on("dblclick.zoom", null);
  svg.on("pointermove", (event) => {
    const found = cellAt(d3.pointer(event, svg.node()));
    if (found) ssrlm.hover(found[0]);
  });
  svg.on("pointerleave", () => ssrlm.hover(-1));
  svg.on("click", () => state.hover >= 0 && ssrlm.mark(state.hover));
  new ResizeObserver(() => state.fold && size()).observe(stage);
  bus.on("fold.map", size);
  bus.on("hover.map", later);
  bus.on("mark.map", later);

  function later() {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(paint);
  }

  function size() {
    const width = stage.getBoundingClientRect().width;
    if (!width) return;
    side = Math.min(width - margin.left - margin.right, 520);
    const [wide, high] = [side + margin.left + margin.right, side + margin.top + margin.bottom];
    const dense = window.devicePixelRatio || 1;
    canvas.width = wide * dense;
    canvas.height = high * dense;
    canvas.style.width = `${wide}px`;
    canvas.style.height = `${high}px`;
    svg.attr("width", wide).attr("height", high);
    zoom.extent([[margin.left, margin.top], [margin.left + side, margin.top + side]]);
    zoom.translateExtent([[margin.left, margin.top], [margin.left + side, margin.top + side]]);
    zoom.scaleExtent([1, Math.max(1, (state.rna.length * 16) / side)]);
    if (shownRna !== state.rna) svg.call(zoom.transform, d3.zoomIdentity);
    shownRna = state.rna;
    later();
  }

  function scales() {
    const { length } = state.rna;
    const transform = d3.zoomTransform(svg.node());
    const domain = [0.5, length + 0.5];
    sx = transform.rescaleX(d3.scaleLinear(domain, [margin.left, margin.left + side]));
    sy = transform.rescaleY(d3.scaleLinear(domain, [margin.top, margin.top + side]));
  }

  function paint() {
    if (!state.rna || !side) return;
    scales();
    const { rna, fold, hover, marked } = state;
    const dense = window.devicePixelRatio || 1;
    context.setTransform(dense, 0, 0, dense, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.save();
    context.beginPath();
    context.rect(margin.left, margin.top, side, side);
    context.clip();
    context.fillStyle = "#ffffff";
    context.fillRect(margin.left, margin.top, side, side);
    line(0.5, 0.5, rna.length + 0.5, rna.length + 0.5, "#999999");
    const { i, j, permille } = rna.probabilities;
    const order = d3.range(i.length).sort((a, b) => permille[a] - permille[b]);
    for (const n of order) cell(i[n], j[n], colors.ofProbability(permille[n] / 1000));
    for (const [a, b] of fold.pairs) {
      cell(b, a, marked.has(a) && marked.has(b) ? colors.mark : "#333333");
      if (marked.has(a) && marked.has(b)) frameOf(a, b);
    }
    if (hover >= 0) {
      const [low, high] = [0.5, rna.length + 0.5];
      line(hover + 1, low, hover + 1, high, "#00000066");
      line(low, hover + 1, high, hover + 1, "#00000066");
    }
    context.restore();
    context.strokeStyle = "#666666";
    context.strokeRect(margin.left - 0.5, margin.top - 0.5, side + 1, side + 1);
    const [bottom, left] = axes;
    const format = d3.format("d");
    bottom.attr("transform", `translate(0,${margin.top + side})`)
      .call(d3.axisBottom(sx).ticks(6).tickFormat(format).tickSizeOuter(0));
    left.attr("transform", `translate(${margin.left},0)`)
      .call(d3.axisLeft(sy).ticks(6).tickFormat(format).tickSizeOuter(0));
  }

  // Paints the cell of column a and row b, from 0; no cell is too small to be seen.
  function cell(a, b, color) {
    const least = 1.6;
    const [x0, y0] = [sx(a + 0.5), sy(b + 0.5)];
    const [w, h] = [Math.max(least, sx(a + 1.5) - x0), Math.max(least, sy(b + 1.5) - y0)];
    context.fillStyle = color;
    context.fillRect(x0, y0, w, h);
  }

  function frameOf(a, b) {
    const [x0, y0] = [sx(a + 0.5), sy(b + 0.5)];
    context.strokeStyle = colors.mark;
    context.lineWidth = 1.5;
    context.strokeRect(x0 - 1, y0 - 1, sx(a + 1.5) - x0 + 2, sy(b + 1.5) - y0 + 2);
  }

  function line(x0, y0, x1, y1, color) {
    context.strokeStyle = color;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(sx(x0), sy(y0));
    context.lineTo(sx(x1), sy(y1));
    context.stroke();
  }

  // The pair at a place, else the nucleotide of its column.
  function cellAt([px, py]) {
    if (!state.rna || px < margin.left || py > margin.top + side) return null;
    const clamp = (one) => Math.max(0, Math.min(state.rna.length - 1, Math.round(one) - 1));
    const [column, row] = [clamp(sx.invert(px)), clamp(sy.invert(py))];
    return [Math.min(column, row), Math.max(column, row)];
  }

  return {
    fit: () => svg.call(zoom.transform, d3.zoomIdentity),
    zoomBy: (factor) => svg.call(zoom.scaleBy, factor),
  };
};
