"use strict";
// The table of all RNAs: sorted by a click on a heading, searched as one types.

// Columns have a `title` and `of(item)`, numbers `isNumber` and `digits`; the first one
// is the name, which is chosen by a click where there is `choose`. `text(item)` is what
// else is searched.
ssrlm.table = ({ root, search, count }, caption, columns, items, { choose = null, text = () => "" } = {}) => {
  const most = 500; // rows that a browser shows without delay
  const number = (value, digits) => (value === null ? "" : value.toFixed(digits));
  const rows = items.map((item, place) => {
    const values = columns.map(({ of }) => of(item));
    return { place, values, text: `${values[0]} ${text(item)}`.toLowerCase() };
  });
  let sorted = { column: -1, isDown: false };
  let chosen = choose ? 0 : -1;

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
  const head = ssrlm.make("thead", {}, ssrlm.make("tr", {}, ...headings));
  root.replaceChildren(ssrlm.make("caption", {}, caption), head, body);
  if (search) search.oninput = show;
  show();

  function show() {
    const words = search ? search.value.toLowerCase().trim() : "";
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
    const shown = found.slice(0, most);
    const less = shown.length < found.length ? `, the first ${most} are shown` : "";
    if (count) count.textContent = `${found.length} of ${rows.length}${less}`;
    body.replaceChildren(...shown.map(line));
  }

  function line({ place, values }) {
    const cells = values.map((value, n) => {
      const { isNumber, digits } = columns[n];
      if (!n && !choose) return ssrlm.make("th", { scope: "row" }, value || "(no name)");
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
