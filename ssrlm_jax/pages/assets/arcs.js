"use strict";
// Arcs: a structure above the strand, another one, where it is asked for, below. Pairs
// that one of both lacks are dashed where that is what colours say.

ssrlm.arcs = (stage) => {
  const { state, bus, colors } = ssrlm;
  const pad = 14; // pixels at both ends
  const letterPixels = 8; // between letters that are shown
  const axisHeight = 34;

  const svg = d3.select(stage).append("svg").attr("width", "100%").attr("height", "100%");
  svg.attr("aria-hidden", "true").attr("font-family", "Helvetica, Arial, sans-serif");
  const under = svg.append("g");
  const above = svg.append("g").attr("fill", "none");
  const below = svg.append("g").attr("fill", "none");
  const letters = svg.append("g").attr("font-size", 11).attr("text-anchor", "middle");
  const axis = svg.append("g");
  let [width, height, middle] = [0, 0, 0];
  let scale = d3.scaleLinear();
  let shownRna = null;

  const zoom = d3.zoom().on("zoom", ({ transform }) => {
    scale = transform.rescaleX(base());
    place();
  });
  svg.call(zoom).on("dblclick.zoom", null);
  svg.on("pointermove", (event) => {
    const pair = d3.select(event.target).datum();
    const isPair = Array.isArray(pair);
    const position = isPair ? pair[0] : Math.round(scale.invert(d3.pointer(event, svg.node())[0])) - 1;
    ssrlm.hover(state.rna && position >= 0 && position < state.rna.length ? position : -1);
  });
  svg.on("pointerleave", () => ssrlm.hover(-1));
  svg.on("click", () => state.hover >= 0 && ssrlm.mark(state.hover));
  new ResizeObserver(() => state.fold && draw()).observe(stage);
  bus.on("fold.arcs", draw);
  bus.on("color.arcs", draw);
  bus.on("hover.arcs", point);
  bus.on("mark.arcs", mark);

  function base() {
    return d3.scaleLinear([1, Math.max(2, state.rna.length)], [pad, width - pad]);
  }

  function draw() {
    ({ width, height } = stage.getBoundingClientRect());
    if (!width || !height) return;
    const { rna, beside } = state;
    const upper = state.above || state.fold;
    zoom.extent([[0, 0], [width, height]]).translateExtent([[0, 0], [width, height]]);
    zoom.scaleExtent([1, Math.max(1, (rna.length * 14) / width)]);
    middle = beside ? (height - axisHeight) / 2 + 8 : height - axisHeight;
    fill(above, rna, upper.pairs);
    fill(below, rna, beside ? beside.pairs : []);
    letters.selectAll("text").data(d3.range(rna.length)).join("text")
      .attr("dy", "0.36em").text((i) => rna.sequence[i]);
    if (shownRna !== rna) svg.call(zoom.transform, d3.zoomIdentity);
    shownRna = rna;
    scale = d3.zoomTransform(svg.node()).rescaleX(base());
    place();
    mark();
  }

  function fill(group, rna, pairs) {
    group.selectAll("path").data(pairs).join("path").attr("pointer-events", "stroke")
      .attr("stroke", (pair) => (colors.modes[state.color].ofPair || colors.modes.pairs.ofPair)(rna, pair))
      .attr("stroke-dasharray", ([i, j]) =>
        state.color === "verdict" && rna.verdict(i, j) !== "right" ? "6 3" : null,
      );
  }

  function place() {
    const { rna, beside } = state;
    const upper = state.above || state.fold;
    const gap = scale(2) - scale(1);
    const hasLetters = gap >= letterPixels;
    const band = hasLetters ? 9 : 2;
    const widest = d3.max([upper, beside || upper].flatMap(({ pairs }) => pairs), ([i, j]) => j - i) || 2;
    const flat = (room) => Math.min(2.5, (room - band - 4) / (0.5 * widest * gap));
    const up = flat(middle);
    const down = flat(height - axisHeight - middle);
    above.selectAll("path").attr("d", (pair) => arc(pair, middle - band, up, 1));
    below.selectAll("path").attr("d", (pair) => arc(pair, middle + band, down, 0));
    letters.attr("display", hasLetters ? null : "none");
    if (hasLetters) {
      letters.selectAll("text").attr("x", (i) => scale(i + 1)).attr("y", middle);
    }
    const count = Math.max(2, Math.floor(width / 70));
    axis.attr("transform", `translate(0,${height - 24})`)
      .call(d3.axisBottom(scale).ticks(count).tickFormat(d3.format("d")).tickSizeOuter(0));
    under.selectAll("line").data([0]).join("line").attr("stroke", "#999999")
      .attr("display", hasLetters ? "none" : null)
      .attr("x1", scale(1)).attr("x2", scale(rna.length)).attr("y1", middle).attr("y2", middle);
    point();
  }

  function arc([i, j], y, share, sweep) {
    const radius = (scale(j + 1) - scale(i + 1)) / 2;
    return `M${scale(i + 1).toFixed(1)},${y}A${radius.toFixed(1)},${(radius * share).toFixed(1)} 0 0 ${sweep} ${scale(j + 1).toFixed(1)},${y}`;
  }

  function point() {
    const { hover } = state;
    mark();
    const at = hover < 0 ? [] : [hover];
    under.selectAll("rect").data(at).join("rect").attr("fill", "#000000").attr("fill-opacity", 0.12)
      .attr("x", (i) => scale(i + 1) - 3).attr("width", 6).attr("y", 0)
      .attr("height", Math.max(0, height - 24));
  }

  function mark() {
    const { marked, hover } = state;
    for (const group of [above, below]) {
      group.selectAll("path")
        .attr("stroke-width", ([i, j]) => (i === hover || j === hover ? 4 : marked.has(i) && marked.has(j) ? 3 : 1.6))
        .attr("stroke-opacity", ([i, j]) =>
          !marked.size || (marked.has(i) && marked.has(j)) || i === hover || j === hover ? 1 : 0.35,
        );
    }
    letters.selectAll("text").attr("font-weight", (i) => (marked.has(i) ? "bold" : null))
      .attr("fill", (i) => (marked.has(i) ? "#a84300" : "#222222"));
  }

  return {
    fit: () => svg.call(zoom.transform, d3.zoomIdentity),
    zoomBy: (factor) => svg.call(zoom.scaleBy, factor),
  };
};
