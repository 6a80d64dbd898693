"use strict";
// The table of all RNAs: sorted by a click on a heading, searched as one types.

ssrlm.table = (root, search, count, rnas, choose) => {
  const number = (value, digits) => (value === null ? "" : value.toFixed(digits));
  const mean = (rna) => {
    const p = d3.range(0, rna.structures[0].pairs.length, 2).map((n) =>
      ssrlm.chanceIn(rna, rna.structures[0].pairs[n], rna.structures[0].pairs[n + 1]),
    );
    return p.length ? d3.mean(p) : null;
  };
  const columns = [
    { title: "name", of: (rna) => rna.name },
    { title: "nt", of: (rna) => rna.sequence.length, isNumber: true },
    { title: "pairs", of: (rna) => rna.structures[0].pairs.length / 2, isNumber: true },
    { title: "mean probability", of: mean, isNumber: true, digits: 2 },
    { title: "expected F1", of: (rna) => rna.expected_f1, isNumber: true, digits: 2 },
    {
      title: "like",
      of: (rna) =>
        rna.relatives.length
          ? `${rna.relatives[0].name} (${Math.round(100 * rna.relatives[0].identity)}% equal)`
          : "",
    },
  ];
  const rows = rnas.map((rna, place) => ({
    place,
    values: columns.map(({ of }) => of(rna)),
    text: `${rna.name} ${rna.sequence}`.toLowerCase(),
  }));
  let sorted = { column: -1, isDown: false };
  let chosen = 0;

  const headings = columns.map(({ title, isNumber }, column) => {
    const button = ssrlm.make("button", { type: "button" }, title);
    button.addEventListener("click", () => {
      const isDown = sorted.column === column ? !sorted.isDown : Boolean(isNumber);
      sorted = { column, isDown };
      show();
    });
    return ssrlm.make("th", { scope: "col", class: isNumber ? "number" : false }, button);
  });
  const body = ssrlm.make("tbody");
  const caption = ssrlm.make("caption", {}, "All RNAs; a heading sorts, a name shows its pictures");
  root.append(caption, ssrlm.make("thead", {}, ssrlm.make("tr", {}, ...headings)), body);
  search.addEventListener("input", show);
  show();

  function show() {
    const words = search.value.toLowerCase().trim();
    const found = rows.filter(({ text }) => text.includes(words));
    const { column, isDown } = sorted;
    if (column >= 0) {
      const order = isDown ? d3.descending : d3.ascending;
      found.sort((a, b) => order(a.values[column], b.values[column]) || a.place - b.place);
    }
    headings.forEach((heading, n) =>
      heading.setAttribute(
        "aria-sort",
        n !== column ? "none" : isDown ? "descending" : "ascending",
      ),
    );
    count.textContent = `${found.length} of ${rows.length}`;
    body.replaceChildren(...found.map(line));
  }

  function line({ place, values }) {
    const cells = values.map((value, n) => {
      const { isNumber, digits } = columns[n];
      if (!n) {
        const name = ssrlm.make("button", { type: "button", class: "name" }, value || "(no name)");
        name.addEventListener("click", () => pick(place));
        return ssrlm.make("th", { scope: "row" }, name);
      }
      const text = isNumber ? number(value, digits || 0) : value;
      return ssrlm.make("td", { class: isNumber ? "number" : false }, text);
    });
    const row = ssrlm.make("tr", { "data-place": place }, ...cells);
    if (place === chosen) row.setAttribute("aria-current", "true");
    return row;
  }

  function pick(place) {
    chosen = place;
    for (const row of body.children) {
      if (+row.dataset.place === place) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    choose(place);
  }
};

// The probability of one pair of a view that was not prepared yet.
ssrlm.chanceIn = (view, i, j) => {
  const { probabilities } = view;
  let n = d3.bisectLeft(probabilities.i, i);
  while (probabilities.i[n] === i && probabilities.j[n] < j) n++;
  return probabilities.i[n] === i && probabilities.j[n] === j
    ? probabilities.permille[n] / 1000
    : 0;
};
