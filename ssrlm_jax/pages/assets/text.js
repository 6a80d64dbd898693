"use strict";
// Sequence and dot-bracket in lines, of what is above and below the arcs both; each
// nucleotide is linked with the pictures.

ssrlm.text = (stage) => {
  const { state, bus } = ssrlm;
  let spans = [];
  let pointed = [];
  bus.on("fold.text", draw);
  bus.on("hover.text", point);
  bus.on("mark.text", mark);
  new ResizeObserver(() => state.fold && draw()).observe(stage);
  let lineLength = 0;

  stage.addEventListener("pointermove", (event) => {
    const at = event.target.dataset.i;
    ssrlm.hover(at === undefined ? -1 : +at);
  });
  stage.addEventListener("pointerleave", () => ssrlm.hover(-1));
  stage.addEventListener("click", (event) => {
    const at = event.target.dataset.i;
    if (at !== undefined && !String(getSelection())) ssrlm.mark(+at);
  });

  function draw() {
    const { rna, fold, above, beside } = state;
    const fits = Math.floor((stage.clientWidth - 24) / 8.5) - 7;
    lineLength = Math.max(10, Math.min(100, fits - (fits % 10)));
    spans = Array.from({ length: rna.length }, () => []);
    const shown = [above || fold, ...(beside ? [beside] : [])];
    const dots = shown.map((one) => one.dots || " ".repeat(rna.length));
    const parts = [];
    for (let start = 0; start < rna.length; start += lineLength) {
      const end = Math.min(rna.length, start + lineLength);
      parts.push(row(String(start + 1), rna.sequence, start, end));
      for (const text of dots) parts.push(row("", text, start, end));
      parts.at(-1).classList.add("last");
    }
    stage.replaceChildren(...parts);
    mark();
    point();
  }

  function row(number, text, start, end) {
    const line = ssrlm.make("span", { class: "line" }, number.padStart(6), " ");
    for (let i = start; i < end; i++) {
      const span = ssrlm.make("span", { "data-i": i }, text[i]);
      spans[i].push(span);
      line.append(span);
    }
    line.append("\n");
    return line;
  }

  function mark() {
    spans.forEach((pair, i) =>
      pair.forEach((span) => span.classList.toggle("marked", state.marked.has(i))),
    );
  }

  function point() {
    for (const span of pointed) span.classList.remove("pointed");
    const { hover, fold } = state;
    const shown = hover < 0 ? [] : [hover, ...(fold.pairsOf.get(hover) || [])];
    pointed = shown.flatMap((i) => spans[i] || []);
    for (const span of pointed) span.classList.add("pointed");
  }
};
