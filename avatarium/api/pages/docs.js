// The pages of the API, made in the browser out of /openapi.json. No library, no other host.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
const root = document.documentElement;
const keyBox = document.getElementById("key");
const searchBox = document.getElementById("search");
const nav = document.getElementById("nav");
const main = document.getElementById("main");
let api = {};

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Text with `code` and blank lines, as the descriptions use them; never read as HTML.
function prose(text, className) {
  return (text || "").split(/\n\s*\n/).filter(Boolean).map((part) => {
    const pieces = part.replace(/\s+/g, " ").split("`");
    return el("p", { class: className }, ...pieces.map((piece, i) => (i % 2 ? el("code", {}, piece) : piece)));
  });
}

function inline(text) {
  return (text || "").replace(/\s+/g, " ").split("`").map((piece, i) => (i % 2 ? el("code", {}, piece) : piece));
}

function json(value) {
  const pre = el("pre");
  const text = JSON.stringify(value, null, 2) ?? "";
  const token = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  let last = 0;
  for (const match of text.matchAll(token)) {
    pre.append(text.slice(last, match.index));
    const kind = match[1] ? (match[2] ? "k" : "s") : "n";
    pre.append(el("span", { class: kind }, match[1] || match[0]), match[2] || "");
    last = match.index + match[0].length;
  }
  pre.append(text.slice(last));
  return pre;
}

function resolve(schema) {
  let found = schema || {};
  for (let step = 0; found.$ref && step < 10; step += 1) {
    found = found.$ref.split("/").slice(1).reduce((at, part) => (at || {})[part], api) || {};
  }
  return found;
}

function typeOf(given) {
  const schema = resolve(given);
  const options = schema.anyOf || schema.oneOf;
  if (options) return options.map(typeOf).filter((name) => name !== "null").join(" or ") || "anything";
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  if (Array.isArray(schema.type)) return schema.type.filter((name) => name !== "null").join(" or ");
  return { string: "text", integer: "whole number", number: "number", boolean: "true | false" }[schema.type] || schema.type || "anything";
}

function limitsOf(given) {
  const schema = resolve(given);
  const parts = [schema, ...(schema.anyOf || []).map(resolve)];
  const pick = (name) => parts.map((part) => part[name]).find((value) => value !== undefined);
  const said = [];
  if (pick("minimum") !== undefined) said.push(`≥ ${pick("minimum")}`);
  if (pick("maximum") < 1e9) said.push(`≤ ${pick("maximum")}`);
  if (pick("maxLength") !== undefined) said.push(`at most ${pick("maxLength")} characters`);
  const preset = schema.default;
  if (preset !== undefined && preset !== null && preset !== "" && typeof preset !== "object") said.push(`default ${JSON.stringify(preset)}`);
  return said.join(", ");
}

function bodyOf(operation) {
  return ((operation.requestBody || {}).content || {})["application/json"];
}

function calls() {
  const found = [];
  for (const [path, item] of Object.entries(api.paths || {})) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation) found.push({ path, method, operation, id: operation.operationId, group: (operation.tags || ["Other"])[0] });
    }
  }
  return found;
}

function exampleOf(call) {
  const content = bodyOf(call.operation);
  if (!content) return null;
  if (content.example !== undefined) return content.example;
  const properties = resolve(content.schema).properties || {};
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => resolve(value).default !== undefined).map(([name, value]) => [name, resolve(value).default]));
}

function parametersOf(call, place) {
  return (call.operation.parameters || []).filter((parameter) => parameter.in === place);
}

function needsKey(call) {
  const rule = call.operation.security || api.security || [];
  return rule.length > 0;
}

function address(call, values, full) {
  let path = call.path;
  for (const parameter of parametersOf(call, "path")) {
    const value = values[parameter.name] || `{${parameter.name}}`;
    path = path.replace(`{${parameter.name}}`, values[parameter.name] ? encodeURIComponent(value) : value);
  }
  const query = new URLSearchParams();
  for (const parameter of parametersOf(call, "query")) {
    const value = values[parameter.name];
    if (value !== undefined && value !== "") query.append(parameter.name, value);
  }
  const tail = query.toString();
  return (full ? location.origin : "") + path + (tail ? `?${tail}` : "");
}

function exampleValues(call) {
  return Object.fromEntries((call.operation.parameters || []).filter((p) => p.example !== undefined).map((p) => [p.name, String(p.example)]));
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function curl(call) {
  const lines = [`curl ${call.method === "get" ? "" : `-X ${call.method.toUpperCase()} `}${quoted(address(call, exampleValues(call), true))}`];
  if (needsKey(call)) lines.push(`  -H "Authorization: Bearer $KEY"`);
  const body = exampleOf(call);
  if (body !== null) lines.push("  -H 'Content-Type: application/json'", `  -d ${quoted(JSON.stringify(body, null, 2))}`);
  return lines.join(" \\\n");
}

function fieldsTable(title, rows) {
  if (!rows.length) return null;
  const body = rows.map(({ name, schema, required, description }) => {
    const limits = limitsOf(schema);
    return el("tr", {},
      el("td", {}, el("code", {}, name), required ? el("span", { class: "must" }, "required") : null, el("span", { class: "type" }, typeOf(schema))),
      el("td", { class: "say" }, ...inline(description || resolve(schema).description || ""), limits ? el("span", { class: "type" }, limits) : null));
  });
  return el("section", {}, el("h4", {}, title), el("table", {}, el("tbody", {}, ...body)));
}

function tables(call) {
  const content = bodyOf(call.operation);
  const schema = content ? resolve(content.schema) : {};
  const must = new Set(schema.required || []);
  const named = (place) => parametersOf(call, place).map((p) => ({ name: p.name, schema: p.schema, required: p.required, description: p.description }));
  const body = Object.entries(schema.properties || {}).map(([name, value]) => ({ name, schema: value, required: must.has(name), description: value.description }));
  return [fieldsTable("In the path", named("path")), fieldsTable("In the query", named("query")), fieldsTable("In the header", named("header")), fieldsTable("In the body", body)];
}

function codes(call) {
  const entries = Object.entries(call.operation.responses || {});
  const words = { 400: "wrong request", 401: "no key", 402: "too few coins", 403: "not allowed", 404: "not found", 409: "conflict", 413: "too large", 429: "too often", 500: "our fault", 503: "away" };
  return el("section", {}, el("h4", {}, "Answers"), el("div", { class: "codes" },
    ...entries.map(([status, answer]) => el("span", { class: status < "300" ? "ok" : "", title: answer.description }, el("b", {}, status), status < "300" ? "success" : words[status] || ""))));
}

async function copy(text, button) {
  try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { button.textContent = "Select and copy"; }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

async function send(call, form, out, status, button) {
  const values = Object.fromEntries([...form.querySelectorAll("input[data-name]")].map((box) => [box.dataset.name, box.value.trim()]));
  const area = form.querySelector("textarea");
  const headers = {};
  if (keyBox.value.trim()) headers.Authorization = `Bearer ${keyBox.value.trim()}`;
  if (area) headers["Content-Type"] = "application/json";
  for (const parameter of parametersOf(call, "header")) if (values[parameter.name]) headers[parameter.name] = values[parameter.name];
  button.disabled = true;
  status.className = "status";
  status.textContent = "…";
  const begun = performance.now();
  try {
    const response = await fetch(address(call, values, false), { method: call.method.toUpperCase(), headers, body: area ? area.value : undefined });
    const text = await response.text();
    status.className = `status ${response.ok ? "good" : "bad"}`;
    status.textContent = `${response.status} in ${Math.round(performance.now() - begun)} ms`;
    try { out.replaceChildren(json(JSON.parse(text))); } catch { out.replaceChildren(el("pre", {}, text)); }
  } catch (problem) {
    status.className = "status bad";
    status.textContent = `No answer: ${problem.message}`;
    out.replaceChildren();
  }
  button.disabled = false;
}

function tryIt(call) {
  const form = el("div", { class: "try" });
  for (const place of ["path", "query", "header"]) {
    for (const parameter of parametersOf(call, place)) {
      const example = parameter.example === undefined ? "" : String(parameter.example);
      form.append(el("label", {}, parameter.name, el("input", { "data-name": parameter.name, value: example, spellcheck: "false" })));
    }
  }
  const body = exampleOf(call);
  if (body !== null) {
    const area = el("textarea", { spellcheck: "false" });
    area.value = JSON.stringify(body, null, 2);
    form.append(el("label", {}, "Body", area));
  }
  const out = el("div");
  const status = el("span", { class: "status", role: "status" }, needsKey(call) && !keyBox.value ? "put your key in the box at the top" : "");
  const button = el("button", { class: "send", type: "button" }, "Send");
  button.addEventListener("click", () => send(call, form, out, status, button));
  form.append(el("div", {}, button, status), out);
  return form;
}

function codePanel(call) {
  const contents = ((call.operation.responses || {})["200"] || {}).content || {};
  const stream = (contents["text/event-stream"] || {}).example;
  const answer = (contents["application/json"] || {}).example;
  const command = curl(call);
  const makers = { Request: () => el("pre", {}, command), Answer: () => (stream ? el("pre", {}, stream) : json(answer ?? {})), "Try it": () => tryIt(call) };
  const pane = el("div", { class: "pane" });
  const copyButton = el("button", { class: "copy", type: "button" }, "Copy");
  copyButton.addEventListener("click", () => copy(pane.querySelector("pre")?.textContent || command, copyButton));
  const made = {};
  const tabs = Object.keys(makers).map((name) => el("button", { type: "button", role: "tab", "aria-selected": "false", onclick: () => show(name) }, name));
  function show(name) {
    made[name] = made[name] || makers[name]();
    pane.replaceChildren(made[name]);
    for (const tab of tabs) tab.setAttribute("aria-selected", String(tab.textContent === name));
  }
  show("Request");
  return el("div", { class: "code" }, el("div", { class: "tabs", role: "tablist" }, ...tabs, copyButton), pane);
}

function pathWords(path) {
  return path.split(/(\{[^}]+\})/).map((piece) => (piece.startsWith("{") ? el("i", {}, piece) : piece));
}

function card(call) {
  const { operation } = call;
  return el("article", { class: "call", id: call.id },
    el("div", { class: "words" },
      el("h3", {}, el("a", { href: `#${call.id}` }, operation.summary || call.path),
        operation.deprecated ? el("span", { class: "tag" }, "older form") : null,
        needsKey(call) ? null : el("span", { class: "tag" }, "no key needed")),
      el("div", { class: "line" }, el("span", { class: `verb ${call.method}` }, call.method.toUpperCase()), el("span", { class: "path" }, ...pathWords(call.path))),
      ...prose(operation.description, "about"), ...tables(call), codes(call)),
    codePanel(call));
}

function searchText(call) {
  const schema = resolve((bodyOf(call.operation) || {}).schema);
  const fields = [...Object.keys(schema.properties || {}), ...(call.operation.parameters || []).map((p) => p.name)];
  return [call.path, call.method, call.operation.summary, call.operation.description, call.group, ...fields].join(" ").toLowerCase();
}

function draw() {
  const all = calls();
  const order = (api.tags || []).map((tag) => tag.name);
  const groups = [...new Set([...order, ...all.map((call) => call.group)])].filter((group) => all.some((call) => call.group === group));
  const server = location.origin;
  const hero = el("section", { class: "hero", id: "top" }, el("h1", {}, "Talking avatars, by API"), ...prose(api.info.description, ""),
    el("div", { class: "facts" }, el("span", { class: "chip" }, `Address ${server}`), el("span", { class: "chip" }, `Version ${api.info.version}`),
      el("span", { class: "chip" }, `${all.length} calls`), el("a", { class: "chip", href: "/openapi.json" }, "openapi.json")));
  nav.replaceChildren();
  main.replaceChildren(hero);
  for (const group of groups) {
    const members = all.filter((call) => call.group === group);
    const description = ((api.tags || []).find((tag) => tag.name === group) || {}).description;
    nav.append(el("h2", { "data-group": group }, group));
    const section = el("section", { class: "group" }, el("h2", {}, group), el("p", {}, description || ""));
    for (const call of members) {
      const link = el("a", { href: `#${call.id}`, class: call.operation.deprecated ? "old" : "" }, el("span", { class: `verb ${call.method}` }, call.method === "delete" ? "DEL" : call.method.toUpperCase()), call.operation.summary || call.path);
      const article = card(call);
      article.dataset.text = searchText(call);
      link.addEventListener("click", closeMenu);
      nav.append(link);
      section.append(article);
    }
    main.append(section);
  }
  main.append(el("p", { class: "none", id: "none", hidden: true }, "No call is like that."));
  follow();
  if (location.hash.length > 1) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView({ behavior: "instant" });
}

function filter() {
  const words = searchBox.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const article of main.querySelectorAll(".call")) {
    const fits = words.every((word) => article.dataset.text.includes(word));
    article.hidden = !fits;
    nav.querySelector(`a[href="#${article.id}"]`).hidden = !fits;
    shown += fits;
  }
  for (const section of main.querySelectorAll(".group")) section.hidden = !section.querySelector(".call:not([hidden])");
  for (const title of nav.querySelectorAll("h2")) {
    let next = title.nextElementSibling;
    while (next && next.tagName === "A" && next.hidden) next = next.nextElementSibling;
    title.hidden = !next || next.tagName !== "A";
  }
  main.querySelector(".hero").hidden = words.length > 0;
  document.getElementById("none").hidden = shown > 0;
}

function follow() {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      nav.querySelector("a.here")?.classList.remove("here");
      const link = nav.querySelector(`a[href="#${entry.target.id}"]`);
      link?.classList.add("here");
      link?.scrollIntoView({ block: "nearest" });
    }
  }, { rootMargin: "-70px 0px -75% 0px" });
  for (const article of main.querySelectorAll(".call")) seen.observe(article);
}

function closeMenu() {
  nav.classList.remove("open");
  document.getElementById("menu").setAttribute("aria-expanded", "false");
}

function remembered(store, name) {
  try { return store.getItem(name) || ""; } catch { return ""; }
}

function remember(store, name, value) {
  try { store.setItem(name, value); } catch { /* a browser that keeps nothing shows the page all the same */ }
}

root.dataset.theme = remembered(localStorage, "theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
document.getElementById("theme").addEventListener("click", () => {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  remember(localStorage, "theme", root.dataset.theme);
});
document.getElementById("menu").addEventListener("click", (event) => {
  event.currentTarget.setAttribute("aria-expanded", String(nav.classList.toggle("open")));
});
keyBox.value = remembered(sessionStorage, "key");
keyBox.addEventListener("input", () => remember(sessionStorage, "key", keyBox.value.trim()));
searchBox.addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); searchBox.focus(); }
  if (event.key === "Escape" && document.activeElement === searchBox) { searchBox.value = ""; filter(); searchBox.blur(); }
});

fetch("/openapi.json").then((response) => response.json()).then((document_) => { api = document_; draw(); })
  .catch((problem) => { main.replaceChildren(el("p", { class: "wait" }, `The description cannot be read: ${problem.message}`)); });
