"use strict";
// Charts of scores: how F1 is distributed, and its mean with an interval in each bin. A
// method has a colour and a shape, the same in all charts.

ssrlm.charts = (() => {
  const hues = ["#0072b2", "#d55e00", "#009e73", "#b0559b", "#8a6d00", "#333333"];
  const shapes = [d3.symbolCircle, d3.symbolSquare, d3.symbolTriangle, d3.symbolDiamond, d3.symbolStar];
  const margin = { left: 44, top: 22, right: 12, bottom: 44 };
  const hue = (n) => hues[n % hues.length];
  const mark = (n, size = 46) => d3.symbol(shapes[n % shapes.length], size)();

  // An empty picture of the stage's width, with the room within margins.
  const started = (stage) => {
    const { width, height } = stage.getBoundingClientRect();
    const svg = d3.select(stage).selectAll("svg").data([0]).join("svg");
    svg.attr("width", width).attr("height", height).attr("aria-hidden", "true");
    svg.attr("font-family", "Helvetica, Arial, sans-serif").selectAll("*").remove();
    const x = [margin.left, width - margin.right];
    const y = [height - margin.bottom, margin.top];
    return { svg, x, y, width, height };
  };

  const axes = ({ svg, y }, bottom, left, title, side) => {
    svg.append("g").attr("transform", `translate(0,${y[0]})`).call(bottom);
    svg.append("g").attr("transform", `translate(${margin.left},0)`).call(left);
    svg.append("text").attr("x", margin.left).attr("y", y[0] + 38).attr("font-size", 11).text(title);
    svg.append("text").attr("x", 4).attr("y", 9).attr("font-size", 11).text(side);
  };

  // Draws the counts of all methods as steps, those of the chosen one as bars.
  const distribution = (stage, methods, chosen) => {
    const room = started(stage);
    if (!room.width) return;
    const { svg } = room;
    const counts = methods.map((one) => one.distribution);
    const number = counts[0].length;
    const x = d3.scaleLinear([0, 1], room.x);
    const y = d3.scaleLinear([0, d3.max(counts.flat())], room.y).nice();
    const whole = y.ticks(5).filter(Number.isInteger);
    axes(room, d3.axisBottom(x).ticks(10), d3.axisLeft(y).tickValues(whole).tickFormat(d3.format("d")), "F1 of an RNA", "RNAs");
    svg.append("g").selectAll("rect").data(counts[chosen]).join("rect")
      .attr("x", (_, n) => x(n / number) + 0.5).attr("width", x(1 / number) - x(0) - 1)
      .attr("y", (one) => y(one)).attr("height", (one) => room.y[0] - y(one))
      .attr("fill", hue(chosen)).attr("fill-opacity", 0.75)
      .append("title").text((one, n) => `F1 ${(n / number).toFixed(2)} to ${((n + 1) / number).toFixed(2)}: ${one} RNAs`);
    counts.forEach((one, m) => {
      if (m === chosen) return;
      const steps = one.map((count, n) => `${n ? "L" : "M"}${x(n / number)},${y(count)}H${x((n + 1) / number)}`);
      svg.append("path").attr("d", steps.join("")).attr("fill", "none").attr("stroke", hue(m))
        .attr("stroke-width", 1.5);
    });
    const shown = counts[chosen].map((one, n) => [one, n]).filter(([one]) => one);
    const said = shown.map(([one, n]) => `${(n / number).toFixed(2)} and more: ${one}`);
    stage.setAttribute("aria-label", `distribution of F1, ${methods[chosen].name}; RNAs of F1 ${said.join(", ")}`);
  };

  // Draws the mean F1 of each bin, with its interval, side by side for all methods.
  const bins = (stage, methods, chosen, kind) => {
    const room = started(stage);
    if (!room.width) return;
    const { svg } = room;
    const names = Object.keys(methods[chosen].scores[kind]);
    const x = d3.scaleBand(names, room.x).padding(0.25);
    const inner = d3.scalePoint(d3.range(methods.length), [0, x.bandwidth()]).padding(0.5);
    const y = d3.scaleLinear([0, 1], room.y);
    const size = (name) => methods[chosen].scores[kind][name].rnas;
    const bottom = d3.axisBottom(x).tickSizeOuter(0).tickFormat((name) => name.replace(/ nt$/, "").replace(" to ", "–"));
    axes(room, bottom, d3.axisLeft(y).ticks(5), kind === "length" ? "nucleotides; RNAs below each" : "identity; RNAs below each", "F1");
    svg.append("g").attr("font-size", 10).attr("fill", "#545b64").attr("text-anchor", "middle")
      .selectAll("text").data(names).join("text")
      .attr("x", (name) => x(name) + x.bandwidth() / 2).attr("y", room.y[0] + 27).text((name) => size(name));
    svg.selectAll(".tick text").attr("font-size", names.length > 6 ? 9 : 10);
    const said = [];
    methods.forEach((method, m) => {
      const group = svg.append("g").attr("stroke", hue(m)).attr("fill", hue(m));
      for (const name of names) {
        const found = method.scores[kind][name];
        const [value, low, high] = found ? found.strict.f1.mean : [null];
        if (value === null) continue;
        const at = x(name) + inner(m);
        if (low !== null) group.append("path").attr("d", `M${at},${y(low)}V${y(high)}`).attr("stroke-width", m === chosen ? 2.5 : 1.5);
        group.append("path").attr("d", mark(m)).attr("transform", `translate(${at},${y(value)})`)
          .append("title").text(`${method.name}, ${name}: ${ssrlm.charts.interval(found.strict.f1.mean)}, ${found.rnas} RNAs`);
        if (m === chosen) said.push(`${name}: ${ssrlm.charts.interval(found.strict.f1.mean)}`);
      }
    });
    stage.setAttribute("aria-label", `F1 by ${kind}, ${methods[chosen].name}; ${said.join(", ")}`);
  };

  // What colours and shapes mean.
  const legend = (methods) =>
    methods.map(({ name }, n) => {
      const svg = d3.create("svg:svg").attr("width", 16).attr("height", 16).attr("aria-hidden", "true");
      svg.append("path").attr("d", mark(n, 60)).attr("transform", "translate(8,8)").attr("fill", hue(n));
      return ssrlm.make("span", { class: "key" }, svg.node(), name);
    });

  // "0.612 (0.590–0.633)"; "-" where it is not defined.
  const interval = (found) => {
    if (!found || found[0] === null) return "-";
    const [value, low, high] = found.map((one) => (one === null ? "-" : one.toFixed(3)));
    return `${value} (${low}–${high})`;
  };

  return { distribution, bins, legend, interval };
})();
