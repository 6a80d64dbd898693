"use strict";
// Files that a person takes along: text, pictures; and what is copied.

ssrlm.files = (() => {
  const strands = (text, breaks) => {
    const ends = [0, ...breaks, text.length];
    return d3.pairs(ends, (a, b) => text.slice(a, b)).join("&");
  };
  const dbn = (rna, fold) =>
    `>${rna.name}\n${strands(rna.sequence, rna.breaks)}\n${strands(fold.dots, rna.breaks)}\n`;
  const ct = (rna, fold) => {
    const { length, sequence, name } = rna;
    const rows = d3.range(length).map(
      (i) => `${i + 1} ${sequence[i]} ${i} ${(i + 2) % (length + 1)} ${fold.partner[i] + 1} ${i + 1}`,
    );
    return [`${length} ${name}`, ...rows, ""].join("\n");
  };
  const bpseq = (rna, fold) => {
    const rows = d3.range(rna.length).map(
      (i) => `${i + 1} ${rna.sequence[i]} ${fold.partner[i] + 1}`,
    );
    return [`#Name: ${rna.name}`, ...rows, ""].join("\n");
  };
  // Which texts can hold the structure: as results.check_writable.
  const writers = { dbn, ct, bpseq };
  const why = (kind, rna, fold) => {
    if (!fold.isOnce) return "a base triple cannot be written";
    if (kind === "dbn" && fold.dots === null) return "too many crossings";
    if (kind !== "dbn" && rna.breaks.length) return "of one strand only";
    return "";
  };

  const stem = (name) => name.slice(0, 100).replace(/[^A-Za-z0-9._+=@-]|^\./g, "_") || "_";
  const save = (blob, name) => {
    const link = ssrlm.make("a", { href: URL.createObjectURL(blob), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const saveAs = (text, name, ending) =>
    save(new Blob([text], { type: "text/plain" }), `${stem(name)}.${ending}`);
  const saveText = (kind, rna, fold) =>
    saveAs(writers[kind](rna, fold), rna.name, kind);

  const svgText = (svg) =>
    `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(svg)}\n`;
  const saveSvg = (svg, name) =>
    save(new Blob([svgText(svg)], { type: "image/svg+xml" }), `${stem(name)}.svg`);
  const savePng = async (svg, name) => {
    const most = 8000; // pixels of a side; browsers refuse more
    const width = +svg.getAttribute("width");
    const height = +svg.getAttribute("height");
    const scale = Math.min(2, most / width, most / height);
    const url = URL.createObjectURL(new Blob([svgText(svg)], { type: "image/svg+xml" }));
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = ssrlm.make("canvas", { width: width * scale, height: height * scale });
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(url);
    canvas.toBlob((blob) => save(blob, `${stem(name)}.png`), "image/png");
  };

  // Copies a text; browsers without the clipboard take what is selected.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = ssrlm.make("textarea", { "aria-hidden": "true" });
      area.value = text;
      document.body.append(area);
      area.select();
      const isDone = document.execCommand("copy");
      area.remove();
      if (!isDone) throw new Error("this browser does not let a page copy");
    }
  };

  const canvasLink = (rna, fold) =>
    "https://code.rnacanvas.app?" +
    new URLSearchParams({ sequence: rna.sequence, dot_bracket: fold.dots });

  return { writers, why, saveAs, saveText, saveSvg, savePng, copy, canvasLink };
})();
