// Turns the findings' compressed block into a table with filter, search, sort and pages. Without it the page still reads.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const PAGE = 100, PRINTED = 200;
  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== "" && value != null) element.setAttribute(name, value);
    element.append(...children.filter((child) => child != null && child !== ""));
    return element;
  };
  const svg = (symbol, name) => {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", "#m-" + symbol);
    picture.setAttribute("class", "mark " + name);
    picture.setAttribute("aria-hidden", "true");
    picture.append(use);
    return picture;
  };
  const short = (text, length) => {
    if (text.length <= length) return text;
    const tail = Math.floor(((length - 1) * 2) / 5);
    return text.slice(0, length - 1 - tail) + "…" + text.slice(text.length - tail);
  };

  // Paper shows what is open on the screen, the rest of a list, and how failures are mended.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.more:not([open]), details.failing:not([open])")];
    opened.forEach((element) => { element.open = true; });
  });
  addEventListener("afterprint", () => { opened.forEach((element) => { element.open = false; }); opened = []; });

  // A link into a closed row opens it.
  const reveal = () => {
    const target = location.hash.length > 1 && $(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);

  const block = $("data"), body = $("rows");
  if (!block || !body || typeof DecompressionStream === "undefined") { reveal(); return; }

  const unpack = async () => {
    const bytes = Uint8Array.from(atob(block.textContent.trim()), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  };

  const start = (data) => {
    const { rows, checks, severities, verdicts, sections, types, regions, bullets } = data;
    const total = rows.name.length;
    const form = $("filter"), status = $("shown"), before = $("before"), after = $("after");
    const checkOf = (row) => checks[rows.check[row]];
    const sentenceOf = (row) => (rows.evidence[row][0] || [rows.reason[row]])[0];
    const texts = new Array(total);
    const textOf = (row) => texts[row] || (texts[row] = [rows.name[row], rows.resource[row], sentenceOf(row), checkOf(row)[0], checkOf(row)[1],
      types[rows.type[row]], rows.tags[row]].join("\n").toLowerCase());
    const heads = [...document.querySelectorAll("#findings th[data-key]")], columns = heads.length;
    const dated = heads.some((head) => head.dataset.key === "since");
    let shown = [], page = 0, sort = { key: "severity", down: false }, bullet = "", only = "";

    const fill = (name, values) => {
      const select = form.elements[name];
      values.forEach((value, number) => select.append(make("option", { value: String(number) }, value[1] || value)));
    };
    fill("severity", severities); fill("verdict", verdicts); fill("section", sections); fill("type", types); fill("region", regions);

    const keys = {
      severity: (row) => row,
      name: (row) => rows.name[row].toLowerCase(),
      finding: (row) => sentenceOf(row).toLowerCase(),
      region: (row) => regions[rows.region[row]],
      since: (row) => rows.since[row],
    };
    const choose = () => {
      const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = ["severity", "verdict", "section", "type", "region"]
        .filter((name) => form.elements[name].value !== "").map((name) => [rows[name], Number(form.elements[name].value)]);
      shown = [];
      for (let row = 0; row < total; row++) {
        if (wanted.some(([column, value]) => column[row] !== value)) continue;
        if (only && checkOf(row)[0] !== only) continue;
        if (bullet && !checkOf(row)[4].includes(bullet)) continue;
        if (words.length && !words.every((word) => textOf(row).includes(word))) continue;
        shown.push(row);
      }
      if (sort.key !== "severity") {
        const by = new Map(shown.map((row) => [row, keys[sort.key](row)]));
        shown.sort((a, b) => { const x = by.get(a), y = by.get(b); return x < y ? -1 : x > y ? 1 : a - b; });
      }
      if (sort.down) shown.reverse();
      page = 0;
      draw();
    };
    const draw = () => {
      body.replaceChildren(...shown.slice(page * PAGE, (page + 1) * PAGE).map(line));
      const pages = Math.max(1, Math.ceil(shown.length / PAGE));
      const which = only ? ` of the check ${only}` : bullet ? ` of “${bullets[bullet]}”` : "";
      status.textContent = shown.length === total ? `${total.toLocaleString("en")} findings` : `${shown.length.toLocaleString("en")} of ${total.toLocaleString("en")} findings${which}`;
      if (!shown.length) body.append(make("tr", {}, make("td", { colspan: columns, class: "soft" }, "No finding matches. Clear the filter to see all.")));
      $("page").textContent = pages > 1 ? `page ${page + 1} of ${pages}` : "";
      before.hidden = after.hidden = pages < 2;
      before.disabled = page === 0;
      after.disabled = page >= pages - 1;
    };
    const line = (row) => {
      const check = checkOf(row), failing = rows.verdict[row] === 0, severity = severities[rows.severity[row]];
      const button = make("button", { type: "button", class: "open", "aria-expanded": "false" }, make("span", {}, short(sentenceOf(row), 240)));
      const made = make("tr", { class: "row" },
        make("td", {}, make("span", { class: "sev " + (failing ? severity : "unknown") }, svg(failing ? severity : "unknown", ""), failing ? severity[0].toUpperCase() + severity.slice(1) : "Unknown")),
        make("td", {}, make("span", { class: "name" }, short(rows.name[row], 64)), make("small", {}, types[rows.type[row]])),
        make("td", {}, button, make("small", {}, check[1])),
        make("td", {}, regions[rows.region[row]]),
        dated ? make("td", { class: "nowrap" }, rows.since[row], rows.fresh[row] ? make("small", {}, make("span", { class: "tag new" }, "new")) : "") : "");
      button.addEventListener("click", () => toggle(made, row, button));
      return made;
    };
    const toggle = (made, row, button) => {
      const open = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!open));
      if (open) made.nextElementSibling.remove();
      else made.after(make("tr", { class: "detail-row" }, make("td", { colspan: columns }, detail(row))));
    };
    const detail = (row) => {
      const check = checkOf(row), parts = [];
      rows.evidence[row].forEach(([sentence, facts], number) => {
        if (number || sentence.length > 240) parts.push(make("p", {}, sentence));
        if (facts.length) parts.push(make("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])));
      });
      if (rows.reason[row] && (rows.evidence[row].length || rows.reason[row].length > 240)) parts.push(make("p", { class: "soft small" }, rows.reason[row]));
      if (check[2] && rows.verdict[row] === 0) parts.push(make("p", { class: "small" }, make("b", {}, "Why it matters "), check[2][0].toUpperCase() + check[2].slice(1)));
      if (rows.command[row]) parts.push(make("pre", {}, make("code", {}, rows.command[row])));
      const meta = make("div", { class: "meta" });
      if (check[3] && rows.verdict[row] === 0) meta.append(make("span", {}, "Terraform ", make("code", {}, check[3])));
      check[4].forEach((id) => { if (bullets[id]) meta.append(make("a", { href: "#b-" + id }, bullets[id])); });
      if ($("check-" + check[0])) meta.append(make("a", { href: "#check-" + check[0] }, "About this check"));
      if (rows.console[row]) meta.append(make("a", { href: rows.console[row], rel: "noreferrer noopener" }, "AWS console"));
      if (dated) meta.append(make("span", {}, "first seen " + rows.since[row]));
      if (rows.tags[row]) meta.append(make("span", {}, short(rows.tags[row], 300)));
      return make("div", { class: "detail" }, ...parts, make("p", { class: "arn" }, rows.resource[row]), meta);
    };

    form.hidden = false;
    $("static").hidden = true;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", choose);
    form.addEventListener("reset", () => { bullet = only = ""; setTimeout(choose); });
    before.addEventListener("click", () => { page--; draw(); });
    after.addEventListener("click", () => { page++; draw(); });
    heads.forEach((head) => {
      const label = head.textContent, button = make("button", { type: "button" }, label);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        sort = { key: head.dataset.key, down: sort.key === head.dataset.key && !sort.down };
        document.querySelectorAll("#findings th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
        choose();
      });
    });
    document.addEventListener("click", (event) => {
      const link = event.target.closest && event.target.closest("a[data-check], a[data-bullet], a[data-severity]");
      if (!link) return;
      form.reset();
      setTimeout(() => {
        only = link.dataset.check || "";
        bullet = link.dataset.bullet || "";
        if (link.dataset.severity) form.elements.severity.value = String(severities.indexOf(link.dataset.severity));
        choose();
      }, 1);
    });
    addEventListener("beforeprint", () => {
      if (shown.length <= PAGE) return;
      body.replaceChildren(...shown.slice(0, PRINTED).map(line));
      if (shown.length > PRINTED) $("printed").textContent = `Printed: the first ${PRINTED} of ${status.textContent}. The report in a browser and report.json hold all.`;
    });
    addEventListener("afterprint", () => { $("printed").textContent = ""; if (shown.length > PAGE) draw(); });
    choose();
    reveal();
  };
  unpack().then(start, () => reveal());
})();
