(() => {
  "use strict";
  document.documentElement.classList.add("js");
  const data = JSON.parse(document.getElementById("data").textContent);
  const view = document.getElementById("view"), rows = document.getElementById("rows");
  const find = document.getElementById("find"), sort = document.getElementById("sort"), shown = document.getElementById("shown");
  const height = 44, NS = "http://www.w3.org/2000/svg";
  const rate = t => t.m ? t.k / t.m : 0;
  const margin = t => t.g ? t.g.filter(v => v >= 0).at(-1) : Infinity;
  const orders = {
    rate: (a, b) => rate(b) - rate(a) || b.k - a.k, last: (a, b) => b.x - a.x, margin: (a, b) => margin(a) - margin(b) || 0,
    red: (a, b) => (b.d || 0) - (a.d || 0) || rate(b) - rate(a), trials: (a, b) => b.a - a.a, name: (a, b) => a.n < b.n ? -1 : a.n > b.n ? 1 : 0,
  };
  const el = (tag, name, text) => {
    const e = document.createElement(tag);
    if (name) e.className = name;
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const percent = v => v === 0 ? "0 %" : v === 1 ? "100 %" : Number((100 * v).toPrecision(v > 0.999 ? 4 : 3)) + " %";
  const ms = us => us >= 1e6 ? Number((us / 1e6).toPrecision(3)) + " s" : us >= 1000 ? Number((us / 1000).toPrecision(3)) + " ms" : us + " µs";

  // Columns are scaled to the test's own highest rate, which the title tells.
  function spark(t) {
    const n = t.r.length, top = Math.max(1, ...t.r);
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("viewBox", `0 0 ${Math.max(1, n)} 30`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `highest ${percent(top > 1 || t.x >= 0 ? top / 1000 : 0)}`);
    let bad = "", none = "";
    t.r.forEach((v, i) => {
      if (v < 0) none += `M${i} 28h1v2h-1z`;
      else if (v > 0) { const h = Math.max(2, 30 * v / top); bad += `M${i} 30v-${h.toFixed(1)}h1v${h.toFixed(1)}z`; }
    });
    for (const [name, d] of [["gap", none], ["fails", bad]]) {
      const path = document.createElementNS(NS, "path");
      path.setAttribute("class", name);
      path.setAttribute("d", d);
      svg.append(path);
    }
    if (t.x >= 0) {
      const title = document.createElementNS(NS, "title");
      const worst = t.r.indexOf(top);
      title.textContent = worst < 0 ? "" : `highest: ${percent(top / 1000)} in ${data.l[worst]}`;
      svg.append(title);
    }
    return svg;
  }

  function row(t, i) {
    const e = el("div", "trow");
    e.setAttribute("role", "listitem");
    e.setAttribute("aria-posinset", i + 1);
    e.setAttribute("aria-setsize", list.length);
    e.style.top = i * height + "px";
    const name = el("span", "w-name");
    name.append(el("bdi", "", t.n));
    name.firstChild.dir = "ltr";
    name.title = t.n;
    const now = el("span", "w-now");
    now.append(el("b", "", percent(rate(t))), el("small", "", `${t.k} of ${t.m} · ${t.lo} to ${t.hi}`));
    now.title = `${t.k} of ${t.m} failed; 95 % interval ${t.lo} to ${t.hi}; ${t.a} trials in all`;
    const m = margin(t);
    const red = el("span", "w-red");
    red.append(el("b", "", t.d ? `${t.d} of ${t.e}` : "none"), el("small", "", t.u || ""));
    red.title = `failed in ${t.d || 0} of ${t.e} runs` + (t.v ? "\n" + t.v : "");
    const time = el("span", "w-time");
    time.append(el("b", "", t.p || ""), el("small", "", [t.w ? "was " + t.w : "", t.q ? `skipped in ${t.q}` : ""].filter(Boolean).join(" · ")));
    time.title = (t.p ? `median ${t.p}` + (t.w ? `, in the first run ${t.w}` : "") : "") + (t.q ? `; skipped in ${t.q} runs` : "");
    e.append(el("span", "w-state w-" + t.c, t.c), name, spark(t), now, red, el("span", "", t.s || "never"), time, el("span", "", m === undefined || m === Infinity ? "" : ms(m)));
    return e;
  }

  // Only the rows in view exist: the list may be thousands long.
  let list = data.t, from = -1, to = -1;
  function draw(force) {
    const first = Math.max(0, Math.floor(view.scrollTop / height) - 8);
    const last = Math.min(list.length, Math.ceil((view.scrollTop + view.clientHeight) / height) + 8);
    if (!force && first === from && last === to) return;
    from = first; to = last;
    const all = document.createDocumentFragment();
    for (let i = first; i < last; i++) all.append(row(list[i], i));
    rows.replaceChildren(all);
  }
  function choose() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    list = data.t.filter(t => words.every(w => t.n.toLowerCase().includes(w) || t.c.includes(w) || (t.u || "").includes(w))).sort(orders[sort.value]);
    rows.style.height = list.length * height + "px";
    shown.textContent = `${list.length} of ${data.t.length} tests`;
    view.scrollTop = 0;
    draw(true);
  }
  let asked = false;
  view.addEventListener("scroll", () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(false); });
  }, { passive: true });
  addEventListener("resize", () => draw(true));
  find.addEventListener("input", choose);
  sort.addEventListener("change", choose);
  choose();
})();
