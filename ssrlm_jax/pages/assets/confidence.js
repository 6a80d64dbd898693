"use strict";
// Confidence along the strand: a bar for each nucleotide, in the colour of its band.

ssrlm.confidence = (stage) => {
  const { state, bus, colors } = ssrlm;
  const margin = { left: 36, right: 10, top: 8, bottom: 24 };
  const limits = [50, 70, 90];
  const svg = d3.select(stage).append("svg").attr("width", "100%").attr("height", "100%");
  svg.attr("aria-hidden", "true").attr("font-family", "Helvetica, Arial, sans-serif");
  const bars = svg.append("g");
  const lines = svg.append("g").attr("stroke", "#545b64").attr("stroke-dasharray", "2 4");
  const cursor = svg.append("g").attr("fill", "#000000").attr("fill-opacity", 0.2);
  cursor.attr("pointer-events", "none");
  const axes = [svg.append("g"), svg.append("g")];
  let [x, y] = [d3.scaleLinear(), d3.scaleLinear()];

  svg.on("pointermove", (event) => {
    const found = Math.round(x.invert(d3.pointer(event, svg.node())[0])) - 1;
    ssrlm.hover(state.rna && found >= 0 && found < state.rna.length ? found : -1);
  });
  svg.on("pointerleave", () => ssrlm.hover(-1));
  svg.on("click", () => state.hover >= 0 && ssrlm.mark(state.hover));
  new ResizeObserver(() => state.fold && draw()).observe(stage);
  bus.on("fold.confidence", draw);
  bus.on("hover.confidence", point);
  bus.on("mark.confidence", draw);

  function draw() {
    const { width, height } = stage.getBoundingClientRect();
    if (!width || !height) return;
    const { rna, marked } = state;
    const floor = height - margin.bottom;
    x = d3.scaleLinear([0.5, rna.length + 0.5], [margin.left, width - margin.right]);
    y = d3.scaleLinear([0, 100], [floor, margin.top]);
    const step = x(2) - x(1);
    bars.selectAll("rect").data(rna.plddt).join("rect")
      .attr("x", (_, i) => x(i + 0.5) + 0.08 * step).attr("width", 0.84 * step)
      .attr("y", (value) => y(value)).attr("height", (value) => floor - y(value))
      .attr("fill", (value, i) => (marked.has(i) ? colors.marked : colors.ofConfidence(value)));
    lines.selectAll("line").data(limits).join("line")
      .attr("x1", margin.left).attr("x2", width - margin.right).attr("y1", y).attr("y2", y);
    const bottom = d3.axisBottom(x).ticks(Math.max(2, width / 70)).tickFormat(d3.format("d"));
    axes[0].attr("transform", `translate(0,${floor})`).call(bottom.tickSizeOuter(0));
    axes[1].attr("transform", `translate(${margin.left},0)`)
      .call(d3.axisLeft(y).tickValues([0, ...limits, 100]));
    point();
  }

  function point() {
    const { hover, fold } = state;
    const at = hover < 0 ? [] : [hover, ...(fold.pairsOf.get(hover) || [])];
    cursor.selectAll("rect").data(at).join("rect").attr("y", y(100)).attr("height", y(0) - y(100))
      .attr("x", (i) => x(i + 1) - Math.max(2, x(1.5) - x(1)))
      .attr("width", Math.max(4, x(2) - x(1)));
  }
};
