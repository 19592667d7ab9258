(() => {
  "use strict";
  const doc = document;

  // Lines between the two runs, from each row to the same command in the other.
  const link = compare => {
    const svg = compare.querySelector(".links"), runs = [...compare.querySelectorAll(".run")];
    svg.replaceChildren();
    if (runs.length < 2) return;
    const box = svg.getBoundingClientRect();
    if (!box.width || getComputedStyle(svg).display === "none") return;
    const rows = runs.map(run => new Map([...run.querySelectorAll("tr[data-k]")].filter(r => r.offsetParent).map(r => [r.dataset.k, r.getBoundingClientRect()])));
    for (const [k, a] of rows[0]) {
      const b = rows[1].get(k);
      if (!b) continue;
      const row = runs[0].querySelector(`tr[data-k="${k}"]`);
      const x0 = a.right - box.left, x1 = b.left - box.left, y0 = a.top + a.height / 2 - box.top, y1 = b.top + b.height / 2 - box.top, m = (x0 + x1) / 2;
      const path = doc.createElementNS(svg.namespaceURI, "path");
      path.setAttribute("d", `M${x0} ${y0}C${m} ${y0} ${m} ${y1} ${x1} ${y1}`);
      path.setAttribute("class", row.classList.contains("p1") ? "p1" : row.classList.contains("p2") ? "p2" : "");
      svg.append(path);
    }
  };

  const round = v => Number(v.toPrecision(6));
  const scope = (figure, compare) => {
    const from = () => Number(figure.style.getPropertyValue("--from")), span = () => Number(figure.style.getPropertyValue("--span"));
    const marks = [...figure.querySelectorAll(".f")], first = [from(), span()];
    const at = m => Number(m.style.getPropertyValue("--a")), end = m => Number(m.style.getPropertyValue("--b"));
    const output = figure.querySelector("output"), ticks = figure.querySelector(".ticks");
    const run = m => [...figure.querySelectorAll(".track")].indexOf(m.closest(".track"));
    const row = m => compare.querySelectorAll(".run")[run(m)].querySelectorAll("tbody tr:not(.fold):not(.cut)")[m.dataset.i];
    let chosen = null;
    const rule = () => {
      let step = 1e-3;
      for (let i = 0; step * 8 < span(); i++) step = round(step * [2, 2.5, 2][i % 3]);
      const list = [];
      for (let t = Math.ceil(from() / step) * step; t < from() + span() && list.length < 12; t += step) {
        if (t < -step / 2) continue;
        const s = doc.createElement("span");
        s.style.setProperty("--a", t);
        s.textContent = round(t);
        list.push(s);
      }
      ticks.replaceChildren(...list);
    };
    const show = (f, s) => {
      s = Math.min(Math.max(s, 0.01), 36e5);
      figure.style.setProperty("--from", f);
      figure.style.setProperty("--span", s);
      rule();
    };
    const zoom = (by, x) => {
      const s = span() * by;
      show(from() + (span() - s) * x, s);
    };
    const all = () => {
      const lo = Math.min(...marks.map(at)), hi = Math.max(...marks.map(end)), pad = (hi - lo || 1) / 20;
      show(lo - pad, hi - lo + 2 * pad);
    };
    const choose = m => {
      if (chosen) {
        chosen.classList.remove("sel");
        row(chosen)?.classList.remove("hot");
      }
      chosen = m;
      if (!m) return;
      m.classList.add("sel");
      const r = row(m);
      r.classList.add("hot");
      output.textContent = [compare.querySelectorAll(".run caption .verdict")[run(m)].textContent, ...[...r.cells].map(c => c.textContent.trim())].join(" · ");
      const x = (at(m) - from()) / span();
      if (x < 0 || x > 1) show(at(m) - span() / 2, span());
    };
    figure.addEventListener("pointerover", e => { if (e.target.matches(".f")) choose(e.target); });
    figure.addEventListener("click", e => {
      const z = e.target.dataset.z;
      if (z) z === "0" ? all() : zoom(z === "1" ? 0.5 : 2, chosen ? Math.min(Math.max((at(chosen) - from()) / span(), 0), 1) : 0.5);
    });
    figure.addEventListener("wheel", e => {
      if (!e.ctrlKey && !e.metaKey) return; // a page is scrolled with the wheel
      e.preventDefault();
      const plot = figure.querySelector(".plot").getBoundingClientRect();
      zoom(e.deltaY < 0 ? 0.8 : 1.25, Math.min(Math.max((e.clientX - plot.left) / plot.width, 0), 1));
    }, { passive: false });
    const sorted = [...marks].sort((a, b) => at(a) - at(b));
    figure.addEventListener("keydown", e => {
      if (e.target !== figure) return;
      const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (step) choose(sorted[Math.min(Math.max(sorted.indexOf(chosen) + step, 0), sorted.length - 1)]);
      else if (e.key === "+" || e.key === "=") zoom(0.5, chosen ? (at(chosen) - from()) / span() : 0.5);
      else if (e.key === "-") zoom(2, chosen ? (at(chosen) - from()) / span() : 0.5);
      else if (e.key === "0") all();
      else if (e.key === "Escape") { choose(null); show(...first); } else return;
      e.preventDefault();
    });
    compare.addEventListener("pointerover", e => {
      const tr = e.target.closest(".run tr[data-k], .run tbody tr:not(.fold):not(.cut)");
      if (!tr) return;
      const table = tr.closest(".run"), i = [...table.querySelectorAll("tbody tr:not(.fold):not(.cut)")].indexOf(tr);
      const m = figure.querySelectorAll(".track")[[...compare.querySelectorAll(".run")].indexOf(table)]?.querySelector(`.f[data-i="${i}"]`);
      if (m && m !== chosen) choose(m);
    });
  };

  const seen = new IntersectionObserver(list => {
    for (const e of list) if (e.isIntersecting) link(e.target);
  });
  const sized = new ResizeObserver(list => list.forEach(e => link(e.target.closest(".compare"))));
  for (const compare of doc.querySelectorAll(".compare")) {
    compare.addEventListener("click", e => {
      const button = e.target.closest(".fold button");
      if (!button) return;
      const on = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", on);
      for (let tr = button.closest("tr").nextElementSibling; tr && tr.classList.contains("folded"); tr = tr.nextElementSibling) tr.classList.toggle("open", on);
      link(compare);
    });
    scope(compare.querySelector(".scope"), compare);
    seen.observe(compare);
    sized.observe(compare.querySelector(".runs"));
  }
})();
