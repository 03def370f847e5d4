// What every page does: paper shows what a screen hides, and a link into a closed row opens it. Without it the page still reads.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== "" && value != null) element.setAttribute(name, value);
    element.append(...children.filter((child) => child != null && child !== ""));
    return element;
  };
  const mark = (symbol) => {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", "#m-" + symbol);
    picture.setAttribute("class", symbol);
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
    opened = [...document.querySelectorAll("details.more:not([open]), .pages details:has(.broken):not([open])")];
    opened.forEach((element) => { element.open = true; });
  });
  addEventListener("afterprint", () => { opened.forEach((element) => { element.open = false; }); opened = []; });

  // A link into a closed row opens it.
  const reveal = () => {
    let target = null;
    try { target = $(decodeURIComponent(location.hash.slice(1).split("?")[0])); } catch { /* an address that is none */ }
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  };
  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  };
  window.page = { $, make, mark, short, reveal, unpack };
  const code = $("code");
  if (code && typeof DecompressionStream !== "undefined") {
    // The table's scripts, packed; the policy names each by its hash.
    unpack(code.textContent).then((texts) => texts.forEach((text) => { const script = make("script"); script.textContent = text; document.body.append(script); }), reveal);
    return;
  }
  addEventListener("hashchange", reveal);
  reveal();
})();
