"use strict";
// A page of reports: tables that sort, a search through all, files to save.

(() => {
  const parts = JSON.parse(document.getElementById("sheets").textContent);
  const { make, controls } = ssrlm;
  const at = (id) => document.getElementById(id);
  const tables = [...document.querySelectorAll("main table")];
  tables.forEach(ssrlm.sortable);
  const rows = tables.flatMap((table) => [...(table.tBodies[0] ? table.tBodies[0].rows : [])]);

  at("search").addEventListener("input", search);
  search();
  if (parts.length > 1) {
    at("parts").append(...parts.map(({ name }, n) => make("a", { href: `#part-${n}` }, name)));
  }
  for (const bar of document.querySelectorAll("[data-part]")) {
    const { files } = parts[+bar.dataset.part];
    const buttons = Object.entries(files).map(([name, text]) => {
      const [, stem, ending] = /^(.*)\.([^.]*)$/.exec(name);
      return controls.button(`.${ending}`, () => ssrlm.files.saveAs(text, stem, ending), `save ${name}`);
    });
    if (buttons.length) bar.append("Save as", ...buttons);
  }

  function search() {
    const words = at("search").value.toLowerCase().trim();
    let count = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(words);
      if (!row.hidden) count++;
    }
    at("count").textContent = `${count} of ${rows.length} rows`;
  }
})();
