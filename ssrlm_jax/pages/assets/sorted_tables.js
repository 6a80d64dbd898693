"use strict";
// Tables that are in the page: a heading sorts by the first number of its cells, or by
// their text where one has no number.

ssrlm.sortable = (table) => {
  const { make } = ssrlm;
  const body = table.tBodies[0];
  if (!body) return;
  const rows = [...body.rows];
  const number = (text) => {
    const found = /[-−]?\d[\d,]*\.?\d*/.exec(text);
    return found ? Number(found[0].replace("−", "-").replaceAll(",", "")) : null;
  };
  const isEmpty = (text) => text === "" || text === "-" || text === "?";
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const texts = rows.map((row) => row.cells[column].textContent.trim());
    const filled = texts.filter((text) => !isEmpty(text));
    const isNumber = filled.length > 0 && filled.every((text) => /^[-−\d]/.test(text) && number(text) !== null);
    for (const cell of isNumber ? [heading, ...rows.map((row) => row.cells[column])] : []) {
      cell.classList.add("number");
    }
    const value = (row) => {
      const text = row.cells[column].textContent.trim();
      if (isEmpty(text)) return isNumber ? NaN : "";
      return isNumber ? number(text) : text;
    };
    const button = make("button", { type: "button" }, heading.textContent || "name");
    heading.replaceChildren(button);
    heading.setAttribute("scope", "col");
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      const isDown = before === "none" ? isNumber : before === "ascending";
      for (const one of headings) one.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      // What is not there comes last, whichever way.
      body.append(...d3.sort(rows, (a, b) => (isDown ? d3.descending : d3.ascending)(value(a), value(b))));
    });
  });
};
