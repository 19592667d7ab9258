(() => {
  "use strict";
  const doc = document;
  doc.documentElement.classList.add("js");

  // The page's state is in the fragment, as "#?q=…": a file's page may change nothing else of its address.
  const state = {};
  const off = boxes => boxes.filter(b => !b.checked).map(b => b.value).join(",");
  const check = (boxes, hidden) => boxes.forEach(b => { b.checked = !(hidden || "").split(",").includes(b.value); });
  const remember = () => {
    const p = new URLSearchParams();
    for (const part of Object.values(state)) for (const [k, v] of Object.entries(part.read())) if (v) p.set(k, v);
    const text = p.toString();
    if (text || location.hash.startsWith("#?")) history.replaceState(null, "", "#" + (text && "?" + text));
  };

  const tools = doc.getElementById("finding-tools");
  if (tools) {
    const cards = [...doc.querySelectorAll("#findings .finding")];
    const families = [...tools.querySelectorAll("[name=family]")], standings = [...tools.querySelectorAll("[name=standing]")];
    const filter = () => {
      const f = new Set(off(families).split(",")), s = new Set(off(standings).split(","));
      let n = 0;
      for (const c of cards) {
        c.hidden = f.has(c.dataset.class) || s.has(c.dataset.standing);
        if (!c.hidden) n++;
      }
      tools.querySelector(".shown").textContent = n === cards.length ? `${n} findings` : `${n} of ${cards.length} findings`;
    };
    state.findings = {
      read: () => ({ nocause: off(families), nostanding: off(standings) }),
      write: p => {
        check(families, p.get("nocause"));
        check(standings, p.get("nostanding"));
        filter();
      },
    };
    [...families, ...standings].forEach(b => b.addEventListener("change", () => { filter(); remember(); }));
    filter();
  }

  const list = doc.getElementById("list");
  if (list) {
    const items = [...list.children];
    const find = doc.getElementById("find"), sort = doc.getElementById("sort");
    const shown = doc.getElementById("shown"), none = doc.getElementById("none");
    const boxes = [...doc.querySelectorAll("input[name=status]")];
    const num = (li, key, missing) => key in li.dataset ? Number(li.dataset[key]) : missing;
    const words = new Map(items.map(li => [li, [...li.querySelectorAll(".name, .facts dd, .message")].map(e => e.textContent).join(" ").toLowerCase()]));
    const name = li => li.querySelector(".name").textContent;
    const orders = {
      order: (a, b) => num(a, "o", 0) - num(b, "o", 0),
      rate: (a, b) => num(b, "r", 0) - num(a, "r", 0),
      margin: (a, b) => num(a, "m", Infinity) - num(b, "m", Infinity) || 0,
      time: (a, b) => num(b, "t", 0) - num(a, "t", 0),
      name: (a, b) => name(a).localeCompare(name(b)),
    };
    const filter = () => {
      const wanted = new Set(boxes.filter(b => b.checked).map(b => b.value));
      const parts = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      let n = 0;
      for (const li of items) {
        const on = wanted.has(li.dataset.s) && parts.every(p => words.get(li).includes(p));
        li.hidden = !on;
        if (on) n++;
      }
      shown.textContent = n === items.length ? `${n} tests` : `${n} of ${items.length} tests`;
      none.hidden = n > 0;
    };
    const arrange = () => list.append(...items.sort((a, b) => orders[sort.value](a, b) || orders.order(a, b)));
    const changed = () => { filter(); remember(); };
    state.tests = {
      read: () => ({ q: find.value, hide: off(boxes), sort: sort.value === "order" ? "" : sort.value }),
      write: p => {
        find.value = p.get("q") || "";
        check(boxes, p.get("hide"));
        sort.value = p.get("sort") || "order";
        arrange();
        filter();
      },
    };
    let later;
    find.addEventListener("input", () => { filter(); clearTimeout(later); later = setTimeout(remember, 200); });
    boxes.forEach(b => b.addEventListener("change", changed));
    sort.addEventListener("change", () => { arrange(); remember(); });
    doc.getElementById("reset").addEventListener("click", () => {
      find.value = "";
      boxes.forEach(b => { b.checked = true; });
      changed();
      find.focus();
    });
    arrange();
    filter();
  }

  // A link to a test or a finding shows it, whatever the filters hide.
  const arrive = () => {
    if (location.hash.startsWith("#?")) {
      const p = new URLSearchParams(location.hash.slice(2));
      Object.values(state).forEach(part => part.write(p));
      return;
    }
    const target = location.hash.length > 1 && doc.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    target.hidden = false;
    const details = target.matches(".tests > li") && target.querySelector("details");
    if (details) details.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", arrive);
  if (location.hash) arrive();

  for (const table of doc.querySelectorAll("table:has(th[data-sort])")) {
    const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    heads.forEach((th, column) => {
      const kind = th.dataset.sort;
      if (!kind) return;
      const button = doc.createElement("button");
      button.type = "button";
      button.append(...th.childNodes);
      th.append(button);
      const value = row => {
        const cell = row.cells[column];
        return kind === "num" ? Number(cell.dataset.value) : cell.textContent;
      };
      button.addEventListener("click", () => {
        const down = th.getAttribute("aria-sort") === "ascending";
        heads.forEach(h => h.removeAttribute("aria-sort"));
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sign = down ? -1 : 1;
        body.append(...[...body.rows].sort((a, b) => {
          const x = value(a), y = value(b);
          return sign * (kind === "num" ? x - y : x.localeCompare(y));
        }));
      });
    });
  }

  // What can be scrolled must be reached by keyboard.
  const reach = root => root.querySelectorAll("pre, .wire").forEach(e => { if (e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1) e.tabIndex = 0; });
  reach(doc);
  doc.addEventListener("toggle", e => reach(e.target), true);

  for (const button of doc.querySelectorAll(".copy")) {
    const code = button.parentElement.querySelector("code");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        // A page from a file may not reach the clipboard: leave the text selected for Ctrl-C.
        const range = doc.createRange();
        range.selectNodeContents(code);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
})();
