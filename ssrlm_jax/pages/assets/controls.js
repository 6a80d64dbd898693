"use strict";
// What a person presses, and what it does: buttons of pictures, of copies, of files.

ssrlm.controls = (() => {
  const { state, make, files } = ssrlm;

  const button = (text, does, label = null) => {
    const made = make("button", { type: "button", "aria-label": label, title: label }, text);
    made.addEventListener("click", does);
    return made;
  };

  const fill = (select, options) =>
    select.replaceChildren(...options.map(([text, value]) => make("option", { value }, text)));

  // Buttons that zoom a picture, which has `zoomBy` and `fit`.
  const zooms = (name, picture) =>
    [
      ["+", `zoom into the ${name}`, () => picture.zoomBy(1.5)],
      ["−", `zoom out of the ${name}`, () => picture.zoomBy(1 / 1.5)],
      ["fit", `fit the ${name}`, picture.fit],
    ].map(([text, label, does]) => button(text, does, label));

  const copied = async ({ target }, text) => {
    const before = target.dataset.text || target.textContent;
    target.dataset.text = before;
    try {
      await files.copy(text);
      target.textContent = "copied";
    } catch (error) {
      target.textContent = error.message;
    }
    setTimeout(() => (target.textContent = before), 1500);
  };

  const copies = () => [
    button("copy letters", (event) => copied(event, state.rna.sequence)),
    button("copy dot-bracket", (event) => copied(event, state.fold.dots)),
    button("copy both", (event) => copied(event, files.writers.dbn(state.rna, state.fold))),
  ];

  // Buttons that save the structure that is drawn as text; `update` says which cannot be.
  const texts = () => {
    const made = Object.keys(files.writers).map((kind) => [
      kind,
      button(`.${kind}`, () => files.saveText(kind, state.rna, state.fold), `save as ${kind}`),
    ]);
    const update = () => {
      for (const [kind, one] of made) {
        const why = files.why(kind, state.rna, state.fold);
        one.disabled = Boolean(why);
        one.title = why || `save as ${kind}`;
      }
    };
    return { buttons: made.map(([, one]) => one), update };
  };

  // Buttons that save the drawing.
  const drawn = (drawing) => [
    button(".svg", () => files.saveSvg(drawing.exported(), state.rna.name), "save the drawing as svg"),
    button(".png", () => files.savePng(drawing.exported(), state.rna.name), "save the drawing as png"),
  ];

  // A link to RNAcanvas; without an address where no dot-bracket holds the structure.
  const link = (anchor) => {
    if (state.fold.dots === null) anchor.removeAttribute("href");
    else anchor.href = files.canvasLink(state.rna, state.fold);
  };

  return { button, fill, zooms, copied, copies, texts, drawn, link };
})();
