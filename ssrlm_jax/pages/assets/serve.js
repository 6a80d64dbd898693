"use strict";
// The page of `ssrlm serve`: hands RNA in, follows its jobs, opens what came out.

(() => {
  const at = (id) => document.getElementById(id);
  const { make } = ssrlm;
  const { max_bytes: mostBytes } = JSON.parse(at("limits").textContent);
  const often = 400; // ms between two looks while something waits or runs
  const seldom = 4000;
  const example =
    ">tRNA-Phe\nGCGGAUUUAGCUCAGUUGGGAGAGCGCCAGACUGAAGAUCUGGAGGUCCUGUGUUCGAUCCACAGAAUUCGCACCA\n";
  let awaited = ""; // the job that is shown as soon as it is done
  let timer = 0;

  at("form").addEventListener("submit", (event) => {
    event.preventDefault();
    handIn();
  });
  at("example").addEventListener("click", () => (at("fasta").value = example));
  at("file").addEventListener("change", ({ target }) => take(target.files[0]));
  const area = at("fasta");
  for (const name of ["dragover", "dragleave", "drop"]) {
    area.addEventListener(name, (event) => {
      event.preventDefault();
      area.classList.toggle("over", name === "dragover");
      if (name === "drop") {
        if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
        else area.value = event.dataTransfer.getData("text");
      }
    });
  }
  look();

  async function take(file) {
    if (!file) return;
    if (file.size > mostBytes) {
      tell(`${file.name} has more than ${mostBytes.toLocaleString("en")} bytes`);
      return;
    }
    area.value = await file.text();
    tell("");
  }

  async function handIn() {
    tell("");
    const asked = { fasta: area.value };
    for (const name of ["constraints", "reactivities", "method"]) {
      if (at(name).value.trim()) asked[name] = at(name).value;
    }
    for (const name of ["threshold", "max_span"]) {
      if (at(name).value) asked[name] = Number(at(name).value);
    }
    at("fold").disabled = true;
    const answer = await ask("/fold", { method: "POST", body: JSON.stringify(asked) });
    at("fold").disabled = false;
    if (answer) {
      awaited = answer.id;
      look();
    }
  }

  // What the server says, or null where it refused, which is shown.
  async function ask(path, options = {}) {
    try {
      const headers = { "content-type": "application/json" };
      const response = await fetch(path, { headers, ...options });
      const told = await response.json();
      if (response.ok) return told;
      tell(told.detail);
    } catch {
      tell("the server does not answer");
    }
    return null;
  }

  function tell(text) {
    at("told").textContent = text;
  }

  async function look() {
    clearTimeout(timer);
    const [jobs, health] = [await ask("/jobs"), await ask("/health")];
    if (health) at("ready").textContent = health.is_ready ? "" : "the model is being loaded";
    if (jobs) show(jobs);
    const own = jobs && jobs.find(({ id }) => id === awaited);
    if (own && own.state === "done") {
      location.assign(own.links.report);
      return;
    }
    if (own && own.ended) {
      tell(own.problems.join("; ") || own.state);
      awaited = "";
    }
    const isBusy = !jobs || jobs.some(({ ended }) => !ended);
    timer = setTimeout(look, isBusy ? often : seldom);
  }

  function show(jobs) {
    const focused = document.activeElement && document.activeElement.dataset.job;
    at("jobs").replaceChildren(...jobs.map(row));
    if (focused) at("jobs").querySelector(`[data-job="${focused}"]`)?.focus();
  }

  function row(job) {
    const state = job.state === "queued" ? `queued, ${job.place} before it` : job.state;
    const links = Object.entries(job.links).map(([name, href]) => make("a", { href }, name));
    const end = make("button", { type: "button", "data-job": job.id }, job.ended ? "remove" : "cancel");
    end.addEventListener("click", async () => {
      await ask(`/jobs/${job.id}`, { method: "DELETE" });
      look();
    });
    const cells = [
      new Date(1000 * job.created).toLocaleString(),
      state,
      `${job.num_done} of ${job.num_records}`,
      make("span", { class: "tools" }, ...links),
      job.problems.join("; "),
      end,
    ];
    return make("tr", {}, ...cells.map((cell, n) => make("td", { class: n === 4 && "remarks" }, cell)));
  }
})();
