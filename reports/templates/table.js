// The findings' compressed block becomes a virtual table: search, filters, sort, groups, CSV. The view lives in the address.
"use strict";
(() => {
  const { $, make, mark, short, reveal, unpack } = window.page;
  const T = window.TanStack, block = $("data"), box = $("box"), body = $("rows");
  if (!block || !body) { reveal(); return; }
  const FILTERS = ["severity", "verdict", "section", "service", "type", "region", "account", "environment", "owner"];
  const AGES = [["new", "new in this scan"], ["7", "up to 7 days"], ["30", "8 to 30 days"], ["90", "31 to 90 days"], ["older", "over 90 days"]];
  const PRINTED = 200;
  /** Values that a list of a filter offers, the most frequent ones; the search finds the others. */
  const MOST = 200;

  // ---- the block: a line for the legend, one for each column, one for each page of evidence; see block.py ------------
  /** What the table cannot do without; the other columns are unpacked when they are asked for. */
  const FIRST = ["severity", "verdict", "check", "type", "region", "account", "since", "fresh", "owner", "environment", "name", "sentence"];
  const SEARCHED = ["resource", "tags"];
  /** What a piece says of one place in its run. */
  const at = (piece, place) => (typeof piece !== "object" ? piece : piece.of ? piece.of[piece.at[place]] : piece[place]);
  const open = async (text) => {
    const lines = text.trim().split("\n"), data = await unpack(lines[0]), { runs } = data, rows = data.rows = {}, said = data.said = [], asked = {};
    const starts = data.starts = [], runOf = data.runOf = new Uint32Array(data.count);
    runs.reduce((start, length, run) => { starts.push(start); runOf.fill(run, start, start + length); return start + length; }, 0);
    const column = async (name) => {
      const pieces = await unpack(lines[1 + data.columns.indexOf(name)]);
      if (name === "tags") { rows[name] = pieces; return; }
      const held = rows[name] = new Array(data.count);
      pieces.forEach((piece, run) => {
        const start = starts[run], end = start + runs[run];
        if (typeof piece !== "object") held.fill(piece, start, end); else for (let row = start; row < end; row++) held[row] = at(piece, row - start);
      });
    };
    const page = async (number) => { (await unpack(lines[1 + data.columns.length + number])).forEach((groups, run) => { said[data.pages[number] + run] = groups; }); };
    const pageOf = (row) => data.pages.findLastIndex((run) => run <= runOf[row]);
    const once = (key, fetch) => asked[key] || (asked[key] = fetch());
    /** Unpack the columns of these NAMES, if they are not yet. */
    data.need = (names) => Promise.all(names.map((name) => once(name, () => column(name))));
    const needPage = (number) => Promise.all([data.need(data.columns), once(number, () => page(number))]);
    /** Unpack all that is said of a row when it is opened. */
    data.needRow = (row) => needPage(pageOf(row));
    data.needAll = () => Promise.all(data.pages.map((_, number) => needPage(number)));
    await data.need(FIRST);
    return data;
  };

  const start = (data) => {
    const { rows, checks, severities, verdicts, sections, types, services, regions, accounts, owners, environments, bullets, days } = data;
    const total = data.count;
    const dated = Boolean(document.querySelector("#findings th[data-key=since]"));
    const form = $("filter"), status = $("shown"), columns = document.querySelectorAll("#findings thead th").length;
    const DAY = 86400000, today = Date.parse(data.today);

    // ---- what a row says --------------------------------------------------------------------------------------------
    const checkOf = (row) => checks[rows.check[row]];
    const ageOf = days.map((day) => {
      const age = Math.round((today - Date.parse(day)) / DAY);
      return age <= 7 ? "7" : age <= 30 ? "30" : age <= 90 ? "90" : "older";
    });
    const resourceOf = (row) => rows.resource[row].replaceAll("\u0001", () => rows.name[row]);
    const OWN = {
      "\u0001": (row) => rows.name[row], "\u0002": resourceOf, "\u0003": (row) => resourceOf(row).replace(/^.*[:/]/, ""),
      "\u0004": (row) => { const parts = resourceOf(row).split("/"); return parts.length > 3 ? parts[parts.length - 3] : rows.name[row]; },
    };
    const put = (text, row, encode) => text.replace(/[\u0001-\u0004]/g, (mark) => encode(OWN[mark](row)));
    /** What a run's groups of tags or evidence say of one of its rows: the names, and what is said under each. */
    const toldOf = (groups, row) => groups[data.runOf[row]].flatMap(([kind, where, ...pieces]) => {
      const own = row - data.starts[data.runOf[row]], place = where ? where.indexOf(own) : own;
      return place < 0 ? [] : [[data.kinds[kind], pieces.map((piece) => at(piece, place)).map((text) => text && put(text, row, (own) => own))]];
    });
    /** Sentences with pairs of field and value. */
    const evidenceOf = (row) => toldOf(data.said, row).map(([fields, [sentence, ...values]]) => [sentence === 0 ? rows.sentence[row] : sentence, fields.map((field, number) => [field, values[number]])]);
    const tagsOf = (row) => toldOf(rows.tags, row).map(([keys, values]) => keys.map((key, number) => key + "=" + values[number]).join(", ")).join();
    const percent = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
    const commandOf = (row) => put(rows.command[row], row, (text) => text);
    const consoleOf = (row) => put(rows.console[row], row, percent);
    const texts = new Array(total);
    const textOf = (row) => texts[row] || (texts[row] = [rows.name[row], resourceOf(row), rows.sentence[row], checkOf(row)[0], checkOf(row)[1],
      types[rows.type[row]], tagsOf(row)].join("\n").toLowerCase());
    const serviceNames = [...new Set(services)];
    const serviceOf = services.map((name) => serviceNames.indexOf(name));
    const values = {
      severity: severities, verdict: verdicts, section: sections, service: serviceNames, type: types, region: regions,
      account: accounts, environment: environments, owner: owners,
    };
    const read = {
      severity: (row) => rows.severity[row], verdict: (row) => rows.verdict[row], section: (row) => checkOf(row)[3],
      service: (row) => serviceOf[rows.type[row]], type: (row) => rows.type[row], region: (row) => rows.region[row],
      account: (row) => rows.account[row], owner: (row) => rows.owner[row],
      environment: (row) => rows.environment[row], check: (row) => rows.check[row],
      age: (row) => (rows.fresh[row] ? "new " : "") + ageOf[rows.since[row]], bullet: (row) => row, search: (row) => row,
      name: (row) => rows.name[row].toLowerCase(), finding: (row) => rows.sentence[row].toLowerCase(),
      since: (row) => days[rows.since[row]], place: (row) => regions[rows.region[row]], rank: (row) => row,
    };

    // ---- the table --------------------------------------------------------------------------------------------------
    const same = (row, id, wanted) => row.getValue(id) === wanted;
    const matches = {
      search: (row, id, words) => words.every((word) => textOf(row.original).includes(word)),
      bullet: (row, id, wanted) => checkOf(row.original)[2].includes(wanted),
      age: (row, id, wanted) => row.getValue(id).split(" ").includes(wanted),
    };
    const order = (a, b, id) => { const x = a.getValue(id), y = b.getValue(id); return x < y ? -1 : x > y ? 1 : a.original - b.original; };
    const table = T.constructTable({
      features: T.tableFeatures({
        coreReactivityFeature: T.storeReactivityBindings(),
        columnFilteringFeature: T.columnFilteringFeature, filteredRowModel: T.createFilteredRowModel(),
        columnGroupingFeature: T.columnGroupingFeature, groupedRowModel: T.createGroupedRowModel(),
        rowSortingFeature: T.rowSortingFeature, sortedRowModel: T.createSortedRowModel(),
        rowExpandingFeature: T.rowExpandingFeature, expandedRowModel: T.createExpandedRowModel(),
      }),
      data: Array.from({ length: total }, (_, row) => row),
      columns: Object.entries(read).map(([id, accessorFn]) => ({ id, accessorFn, filterFn: matches[id] || same, sortFn: order })),
      getRowId: (row) => String(row),
      autoResetExpanded: false,
    });
    const opened = new Set();
    let items = [], shown = 0;
    const keyOf = (item) => item && (item.group ? "g" + item.group.id : item.detail ? "d" + item.row : item.row);
    const indexOf = (key) => items.findIndex((item) => keyOf(item) === key);
    /** The items to draw: group heads, rows, and the detail below an opened row. */
    const lay = () => {
      items = [];
      for (const row of table.getRowModel().rows) {
        if (row.getIsGrouped()) items.push({ group: row });
        else {
          items.push({ row: row.original });
          if (opened.has(row.original)) items.push({ row: row.original, detail: true });
        }
      }
      shown = table.getFilteredRowModel().rows.length;
      virtual.setOptions({ ...virtual.options, count: items.length });
    };

    // ---- what is drawn ----------------------------------------------------------------------------------------------
    const levelOf = (row) => (rows.verdict[row] === 0 ? severities[rows.severity[row]] : "unknown");
    const capital = (word) => word[0].toUpperCase() + word.slice(1);
    /** A row of the table, and what fills it: while the table is scrolled the same rows are filled again and again. */
    const blank = () => {
      const text = () => document.createTextNode(""), put = (node, value) => { if (node.data !== value) node.data = value; };
      const sign = mark("info"), level = text(), name = text(), type = text(), said = text(), title = text(), region = text(), account = text(), since = text();
      const tag = make("span", { class: "sev" }, sign, level), fresh = make("small", {}, make("span", { class: "tag new" }, "new"));
      const button = make("button", { type: "button", class: "open", "aria-expanded": "false" }, make("span", {}, said));
      const element = make("tr", { class: "row" },
        make("td", {}, tag),
        make("td", {}, make("span", { class: "name" }, name), make("small", {}, type)),
        make("td", {}, button, make("small", {}, title)),
        make("td", {}, make("span", {}, region), accounts.length > 1 ? make("small", {}, account) : null),
        dated ? make("td", { class: "nowrap" }, since, fresh) : null);
      let shownLevel = "", shownOpen = false;
      const fill = (row) => {
        const now = levelOf(row), open = opened.has(row);
        if (now !== shownLevel) {
          shownLevel = now;
          tag.className = "sev " + now;
          sign.setAttribute("class", now);
          sign.firstChild.setAttribute("href", "#m-" + now);
          level.data = capital(now);
        }
        if (open !== shownOpen) {
          shownOpen = open;
          element.classList.toggle("on", open);
          button.setAttribute("aria-expanded", String(open));
        }
        put(name, short(rows.name[row], 64));
        put(type, types[rows.type[row]]);
        put(said, short(rows.sentence[row], 240));
        put(title, checkOf(row)[1]);
        put(region, regions[rows.region[row]]);
        put(account, accounts[rows.account[row]]);
        put(since, days[rows.since[row]]);
        fresh.hidden = !rows.fresh[row];
      };
      return { element, fill };
    };
    const line = (row) => { const made = blank(); made.fill(row); return made.element; };
    const nameOf = { check: (number) => checks[number][1] };
    const head = (group) => {
      const by = group.groupingColumnId, value = group.getValue(by);
      const name = (nameOf[by] ? nameOf[by](value) : values[by][value]) || `without ${by}`;
      const button = make("button", { type: "button", class: "open", "aria-expanded": String(group.getIsExpanded()) }, make("span", {}, name));
      const worst = group.subRows.reduce((least, row) => Math.min(least, row.original), total);
      return make("tr", { class: "of" }, make("th", { colspan: columns, scope: "rowgroup" }, by === "severity" ? null : make("span", { class: "sev " + levelOf(worst) }, mark(levelOf(worst)), capital(levelOf(worst))), button,
        make("small", {}, group.subRows.length.toLocaleString("en"))));
    };
    /** What the check's own page in this file says. */
    const saidBy = (id) => {
      const page = $("check-" + id), said = {};
      if (!page) return said;
      page.querySelectorAll("p > b").forEach((name) => { said[name.textContent] = name.parentNode.textContent.slice(name.textContent.length + 1); });
      const attribute = page.querySelector(".meta span code");
      if (attribute) said.Terraform = attribute.textContent;
      return said;
    };
    const detail = (row) => {
      const check = checkOf(row), said = saidBy(check[0]), failing = rows.verdict[row] === 0, parts = [];
      evidenceOf(row).forEach(([sentence, facts], number) => {
        if (number || sentence.length > 240) parts.push(make("p", {}, sentence));
        if (facts.length) parts.push(factsOf(facts));
      });
      if (rows.reason[row] && (evidenceOf(row).length || rows.reason[row].length > 240)) parts.push(make("p", { class: "soft small" }, rows.reason[row]));
      if (said.Why && failing) parts.push(make("p", { class: "small" }, make("b", {}, "Why it matters "), said.Why));
      if (said.Fix && failing) parts.push(make("p", { class: "small" }, make("b", {}, "How it is mended "), said.Fix));
      if (commandOf(row)) parts.push(make("pre", { tabindex: "0" }, make("code", {}, commandOf(row))));
      const meta = make("div", { class: "meta" });
      if (said.Terraform && failing) meta.append(make("span", {}, "Terraform ", make("code", {}, said.Terraform)));
      check[2].forEach((id) => { if (bullets[id]) meta.append(make("a", { href: "#b-" + id }, bullets[id])); });
      if ($("check-" + check[0])) meta.append(make("a", { href: "#check-" + check[0] }, "About this check"));
      if (consoleOf(row)) meta.append(make("a", { href: consoleOf(row), rel: "noreferrer noopener" }, "AWS console"));
      const past = rows.history[row];
      meta.append(make("span", {}, dated ? "first seen " + days[rows.since[row]] : "first seen by this scan"));
      if (past) meta.append(make("span", {}, "history: " + past));
      if (tagsOf(row)) meta.append(make("span", {}, short(tagsOf(row), 300)));
      const made = make("div", { class: "detail" }, ...parts, make("p", { class: "arn" }, resourceOf(row)), meta);
      return make("tr", { class: "detail-row" }, make("td", { colspan: columns }, made));
    };
    const factsOf = (facts) => {
      const list = make("dl", { class: "facts" });
      for (const [name, value] of facts) {
        const how = name.startsWith("wanted") ? { class: "wanted" } : {};
        list.append(make("dt", how, name.replace(/_/g, " ")), make("dd", how, value));
      }
      return list;
    };

    // ---- only what is in view is drawn ------------------------------------------------------------------------------
    // Closed rows are all of one height, and so are heads: nothing is measured while the table is scrolled. What is opened is.
    const spacers = [];
    const spacer = (number, height) => {
      const made = spacers[number] || (spacers[number] = make("tr", { class: "space", "aria-hidden": "true" }, make("td", { colspan: columns })));
      made.firstChild.style.height = height + "px";
      return made;
    };
    const heights = { row: 67, head: 37 };
    let sized = false;
    let focused = -1, measuring = false, moved = false;
    /** What is in view, some more, and the row that has the focus. A new function each time, because results are kept by it. */
    const inView = () => ({ startIndex, endIndex, overscan, count }) => {
      const from = Math.max(0, startIndex - overscan), to = Math.min(count - 1, endIndex + overscan), list = [];
      if (focused >= 0 && focused < from) list.push(focused);
      for (let index = from; index <= to; index++) list.push(index);
      if (focused > to && focused < count) list.push(focused);
      return list;
    };
    const virtual = new T.Virtualizer({
      count: 0, getScrollElement: () => box, overscan: 8,
      estimateSize: (index) => (items[index].detail ? 260 : items[index].group ? heights.head : heights.row),
      observeElementRect: T.observeElementRect, observeElementOffset: T.observeElementOffset, scrollToFn: T.elementScroll,
      measureElement: T.measureElement, onChange: () => { if (measuring) moved = true; else draw(); },
      getItemKey: (index) => keyOf(items[index]),
      rangeExtractor: inView(),
    });
    let drawn = [], printing = false; // paper holds rows that are not in view: nothing may draw over them
    /** Put MADE into the table, moving nothing that stays: what has the focus keeps it. */
    const patch = (made) => {
      const staying = new Set(made);
      for (let child = body.firstChild, next; child; child = next) { next = child.nextSibling; if (!staying.has(child)) child.remove(); }
      let at = body.firstChild;
      for (const child of made) {
        // A spacer makes way for a row that stays: a row that is moved, were it only by a place, loses the focus.
        while (at !== child && spacers.includes(at) && child.parentNode === body) { const other = at; at = at.nextSibling; other.remove(); }
        if (at === child) at = at.nextSibling; else body.insertBefore(child, at);
      }
    };
    const draw = () => {
      if (printing) return;
      const wanted = virtual.getVirtualItems(), keys = new Set(wanted.map((item) => item.key)), held = new Map(drawn.map((one) => [one.key, one]));
      const free = drawn.filter((one) => one.fill && !one.open && !keys.has(one.key)).reverse(), made = [], fresh = [];
      if (free.length < drawn.length) free.forEach((one) => one.element.remove()); // else all are filled where they are
      let at = 0, gaps = 0;
      drawn = wanted.map(({ key, index, start, end }) => {
        const item = items[index], row = !item.group && !item.detail, open = opened.has(item.row);
        let one = held.get(key);
        if (one && one.stale && item.group) one = null;
        if (!one) one = row ? free.pop() || blank() : { element: item.group ? head(item.group) : detail(item.row) };
        const other = one.key !== key;
        if (row && (other || one.stale)) one.fill(item.row);
        if (one.index !== index) {
          one.element.dataset.index = index;
          one.element.setAttribute("aria-rowindex", index + 2);
        }
        if (item.detail ? other : row && (open ? other || !one.open : !other && one.open)) fresh.push(one);
        Object.assign(one, { key, index, open, stale: false });
        if (start > at) made.push(spacer(gaps++, start - at));
        made.push(one.element);
        at = end;
        return one;
      });
      if (virtual.getTotalSize() > at) made.push(spacer(gaps, virtual.getTotalSize() - at));
      if (!items.length) made.push(make("tr", {}, make("td", { colspan: columns, class: "soft" }, "No finding matches. Clear the filter to see all.")));
      patch(made);
      if (!sized && size()) { draw(); return; }
      // All that is new is measured before any is placed again.
      measuring = true;
      fresh.forEach((one) => virtual.measureElement(one.element));
      measuring = false;
      if (moved) { moved = false; draw(); }
    };
    /** Learn how high rows and heads are, at this width and with these letters; returns whether that is news. */
    const size = () => {
      const before = { ...heights };
      sized = items.length > 0;
      virtual.setOptions({ ...virtual.options, scrollPaddingEnd: document.querySelector("#findings thead").offsetHeight }); // it covers as much
      for (const one of drawn) if (!one.open && !items[one.index].detail) heights[one.fill ? "row" : "head"] = one.element.getBoundingClientRect().height;
      if (before.row === heights.row && before.head === heights.head) return false;
      measuring = true;
      virtual.measure();
      measuring = moved = false;
      drawn.forEach((one) => { one.stale = true; one.open = false; });
      return true;
    };
    /** Draw what has changed; what has the focus keeps it, wherever it stands now. */
    const refresh = () => {
      const place = box.scrollTop, held = keyOf(items[focused]);
      lay();
      focused = held === undefined ? -1 : indexOf(held);
      virtual.setOptions({ ...virtual.options, rangeExtractor: inView() });
      sized = false;
      drawn.forEach((one) => { one.stale = true; });
      virtual._willUpdate();
      document.querySelector("table.findings").setAttribute("aria-rowcount", items.length + 1);
      draw();
      // A browser may ask for the layout while rows are away (the one that had the focus among them): it then scrolls up.
      if (box.scrollTop !== place) box.scrollTop = place;
    };
    const focusRow = (index) => { const button = body.querySelector(`tr[data-index="${index}"] button.open`); if (button) button.focus({ preventScroll: true }); };
    const go = (index) => {
      let target = Math.max(0, Math.min(items.length - 1, index));
      while (items[target] && items[target].detail) target += index > focused ? 1 : -1;
      if (!items[target]) return;
      focused = target;
      virtual.setOptions({ ...virtual.options, rangeExtractor: inView() });
      virtual.scrollToIndex(target, { align: "auto" });
      draw();
      focusRow(target);
    };
    body.addEventListener("focusin", (event) => { const row = event.target.closest("tr[data-index]"); if (row) focused = Number(row.dataset.index); });
    body.addEventListener("click", async (event) => {
      const button = event.target.closest("button.open"), item = button && items[button.closest("tr").dataset.index];
      if (!item) return;
      if (item.group) item.group.toggleExpanded();
      else {
        const asked = applied;
        await data.needRow(item.row);
        if (asked !== applied) return; // another view is shown meanwhile
        opened.has(item.row) ? opened.delete(item.row) : opened.add(item.row);
      }
      // Meanwhile the reader may have gone on, and the button may be another row's: who is elsewhere stays there.
      const at = document.activeElement, own = at === document.body || (at === button && keyOf(items[focused]) === keyOf(item));
      refresh();
      if (own) focusRow(indexOf(keyOf(item)));
    });
    body.addEventListener("keydown", (event) => {
      if (!event.target.closest("button.open")) return;
      const page = Math.max(1, Math.floor(box.clientHeight / heights.row) - 1);
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -focused, End: items.length - 1 - focused }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      go(focused + step);
    });

    // ---- the view: what the form, the heads and the address say ------------------------------------------------------
    const heads = [...document.querySelectorAll("#findings th[data-key]")];
    const KEYS = { severity: "rank", name: "name", finding: "finding", region: "place", since: "since" };
    const EMPTY = { q: "", check: "", bullet: "", age: "", group: "", sort: "", ...Object.fromEntries(FILTERS.map((name) => [name, ""])) };
    let view = { ...EMPTY };
    const digits = new Intl.NumberFormat("en");
    const counts = (of, length) => { const sums = new Array(length).fill(0); for (let row = 0; row < total; row++) sums[of(row)]++; return sums; };
    const fill = (name, options) => options.forEach(([value, label, count]) => form.elements[name].append(make("option", { value }, count === undefined ? label : `${label} (${digits.format(count)})`)));
    FILTERS.forEach((name) => {
      const sums = counts(read[name], values[name].length), used = sums.map((count, number) => [values[name][number], count]).filter(([, count]) => count);
      if (used.length > MOST) used.sort(([, a], [, b]) => b - a);
      const listed = used.slice(0, MOST);
      if (!["severity", "verdict", "section"].includes(name)) listed.sort(([a], [b]) => (a < b ? -1 : 1));
      fill(name, listed.map(([value, count]) => [value || "-", value || `without ${name}`, count]));
      form.elements[name].closest("label").hidden = used.length < 2;
    });
    fill("age", dated ? AGES : []);
    form.elements.age.closest("label").hidden = !dated;
    [...form.elements.group.options].forEach((option) => { option.hidden = option.value && option.value !== "check" && new Set(values[option.value]).size < 2; });

    const filtersOf = () => {
      const filters = FILTERS.filter((name) => view[name]).map((id) => ({ id, value: values[id].indexOf(view[id] === "-" ? "" : view[id]) }));
      const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
      if (view.age) filters.push({ id: "age", value: view.age });
      if (view.check) filters.push({ id: "check", value: checks.findIndex((check) => check[0] === view.check) });
      if (view.bullet) filters.push({ id: "bullet", value: view.bullet });
      if (words.length) filters.push({ id: "search", value: words });
      return filters;
    };
    let applied = 0;
    const apply = async () => {
      const mine = ++applied;
      if (view.q) await data.need(SEARCHED);
      if (mine !== applied) return;
      const key = view.sort.replace(/^-/, "");
      table.setColumnFilters(filtersOf());
      table.setGrouping(view.group ? [view.group] : []);
      // The findings come worst first: that order costs nothing.
      table.setSorting(key && KEYS[key] ? [{ id: KEYS[key], desc: view.sort[0] === "-" }] : view.group ? [{ id: view.group, desc: false }] : []);
      table.setExpanded(false);
      focused = -1;
      opened.clear();
      box.scrollTop = 0;
      refresh();
      heads.forEach((head) => {
        const on = head.dataset.key === (key || "severity");
        if (on) head.setAttribute("aria-sort", view.sort[0] === "-" ? "descending" : "ascending"); else head.removeAttribute("aria-sort");
      });
      const which = view.check ? ` of the check ${view.check}` : view.bullet && bullets[view.bullet] ? ` of “${bullets[view.bullet]}”` : "";
      const many = (count) => `${count.toLocaleString("en")} ${count === 1 ? "finding" : "findings"}`;
      status.textContent = shown === total ? many(total) : `${shown.toLocaleString("en")} of ${many(total)}${which}`;
    };
    const write = () => {
      const said = new URLSearchParams(Object.entries(view).filter(([, value]) => value)).toString();
      history.replaceState(null, "", said ? "#findings?" + said : "#findings");
    };
    const show = () => {
      form.elements.search.value = view.q;
      [...FILTERS, "age", "group"].forEach((name) => {
        const list = form.elements[name], known = values[name] && view[name] && values[name].includes(view[name]);
        list.value = view[name];
        if (list.selectedIndex < 0 && known) list.append(make("option", { value: view[name] }, view[name])); // not among the most frequent
        list.value = known || list.selectedIndex >= 0 ? view[name] : (view[name] = "");
      });
      apply();
    };
    /** Take the view from the address; what it says that does not exist is left out. */
    const fromAddress = () => {
      if (!location.hash.startsWith("#findings?")) return false;
      const said = new URLSearchParams(location.hash.slice(10));
      view = Object.fromEntries(Object.keys(EMPTY).map((name) => [name, said.get(name) || ""]));
      show();
      $("findings").scrollIntoView();
      return true;
    };
    let typing = 0;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      clearTimeout(typing);
      typing = setTimeout(() => {
        view.q = form.elements.search.value;
        [...FILTERS, "age", "group"].forEach((name) => { view[name] = form.elements[name].value; });
        apply();
        write();
      }, event.target.name === "search" ? 120 : 0);
    });
    form.addEventListener("reset", () => setTimeout(() => { view = { ...EMPTY }; apply(); write(); }));
    const buttons = heads.map((head) => {
      const button = make("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const key = head.dataset.key, was = view.sort || "severity";
        view.sort = was === key ? "-" + key : key === "severity" ? "" : key;
        apply();
        write();
      });
      return button;
    });
    document.addEventListener("click", (event) => {
      const link = event.target.closest && event.target.closest("a[data-check], a[data-bullet], a[data-severity]");
      if (!link) return;
      event.preventDefault();
      const bullet = "bullet" in link.dataset ? link.closest("details[id]").id.slice(2) : "";
      view = { ...EMPTY, check: link.dataset.check || "", bullet, severity: link.dataset.severity || "" };
      if (view.severity) view.verdict = "Fail";
      show();
      write();
      $("findings").scrollIntoView();
    });
    addEventListener("hashchange", () => { if (!fromAddress()) reveal(); });

    // ---- taken along: CSV and paper ---------------------------------------------------------------------------------
    const rowsShown = () => table.getSortedRowModel().flatRows.filter((row) => !row.getIsGrouped()).map((row) => row.original);
    const cell = (value) => {
      const text = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(value) ? "'" + value : value;
      return `"${text.replace(/"/g, '""')}"`;
    };
    $("csv").addEventListener("click", async () => {
      await data.needAll();
      const head = ["verdict", "severity", "section", "check", "title", "resource", "name", "type", "account", "region", "evidence", "reason", "since", "command", "tags"];
      const lines = rowsShown().map((row) => [
        verdicts[rows.verdict[row]].toLowerCase(), severities[rows.severity[row]], sections[checkOf(row)[3]], checkOf(row)[0], checkOf(row)[1],
        resourceOf(row), rows.name[row], types[rows.type[row]], accounts[rows.account[row]], regions[rows.region[row]],
        evidenceOf(row).map(([sentence]) => sentence).join("; "), rows.reason[row], days[rows.since[row]], commandOf(row), tagsOf(row),
      ].map(cell).join(","));
      const file = new Blob(["\ufeff" + [head.join(","), ...lines].join("\r\n") + "\r\n"], { type: "text/csv" });
      const link = make("a", { href: URL.createObjectURL(file), download: `findings-${data.account}-scan-${data.scan}.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    addEventListener("beforeprint", () => {
      const list = rowsShown();
      drawn = [];
      printing = true;
      heads.forEach((head) => head.replaceChildren(head.textContent)); // a browser does not repeat a head with buttons on each page
      body.replaceChildren(...list.slice(0, PRINTED).flatMap((row) => (opened.has(row) ? [line(row), detail(row)] : [line(row)])));
      if (list.length > PRINTED) $("printed").textContent = `Printed: the first ${PRINTED} of ${status.textContent}. The report in a browser and report.json hold all.`;
    });
    addEventListener("afterprint", () => {
      printing = false;
      heads.forEach((head, number) => head.replaceChildren(buttons[number]));
      $("printed").textContent = "";
      refresh();
    });

    // A check's own findings: a link that only the table can follow.
    document.querySelectorAll(".pages details:has(i.broken) .meta").forEach((meta) => meta.append(make("a", { href: "#findings", "data-check": meta.closest("details").id.slice(6) }, "Findings")));
    form.hidden = $("tools").hidden = false;
    $("static").hidden = true;
    box.classList.add("virtual");
    virtual._didMount();
    new IntersectionObserver(([seen]) => $("main").classList.toggle("tabled", seen.isIntersecting)).observe(box);
    let width = box.clientWidth;
    new ResizeObserver(() => { if (box.clientWidth !== width) { width = box.clientWidth; sized = false; draw(); } }).observe(box);
    if (!fromAddress()) { apply(); reveal(); }
    setTimeout(() => data.need(SEARCHED), 500);
  };
  open(block.textContent).then(start, () => reveal());
})();
