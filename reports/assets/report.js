(() => {
  "use strict";
  const doc = document;
  doc.documentElement.classList.add("js");

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
    find.addEventListener("input", filter);
    boxes.forEach(b => b.addEventListener("change", filter));
    sort.addEventListener("change", arrange);
    doc.getElementById("reset").addEventListener("click", () => {
      find.value = "";
      boxes.forEach(b => { b.checked = true; });
      filter();
      find.focus();
    });
    arrange();
    filter();
  }

  for (const table of doc.querySelectorAll("table")) {
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
