"use strict";
// Everything of the document reaches the page as text, never as markup.
const VERBS = ["get", "post", "put", "patch", "delete"];
const FORMS = ["multipart/form-data", "application/x-www-form-urlencoded"];
const byId = (id) => document.getElementById(id);
let api;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function resolve(value) {
  for (let steps = 0; value && value.$ref && steps < 20; steps++) {
    const parts = value.$ref.slice(2).split("/").map((part) => part.replace(/~1/g, "/").replace(/~0/g, "~"));
    value = parts.reduce((found, part) => found && found[part], api);
  }
  return value ?? {};
}

// Paragraphs, lists and `code`: what docstrings have.
function prose(text, className = "") {
  const holder = make("div", { className });
  for (const block of (text || "").split(/\n\s*\n/)) {
    const lines = block.split("\n");
    const list = lines.every((line) => /^\s*[-*] /.test(line));
    if (!block.trim()) continue;
    const items = list ? lines.map((line) => make("li", {}, ...inline(line.replace(/^\s*[-*] /, "")))) : inline(block);
    holder.append(make(list ? "ul" : "p", {}, ...items));
  }
  return holder;
}

function inline(text) {
  return text.split("`").map((part, place) => (place % 2 ? make("code", { textContent: part }) : part));
}

function typeOf(schema, depth = 0) {
  if (schema === true || schema === undefined) return "anything";
  if (schema === false) return "nothing";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf || schema.oneOf;
  if (choices) return depth > 3 ? "…" : choices.map((choice) => typeOf(choice, depth + 1)).join(" | ");
  if (schema.allOf) return schema.allOf.map((part) => typeOf(part, depth + 1)).join(" & ");
  if (Array.isArray(schema.type)) return schema.type.join(" | ");
  if (schema.type === "array") return `${typeOf(schema.items, depth + 1)}[]`;
  if (isFile(schema)) return "file";
  return (schema.type || "anything") + (schema.format ? ` (${schema.format})` : "");
}

const isFile = (schema) => schema.format === "binary" || schema.contentMediaType !== undefined;

function limits(schema) {
  const words = [["minimum", "≥"], ["exclusiveMinimum", ">"], ["maximum", "≤"], ["exclusiveMaximum", "<"],
    ["minLength", "length ≥"], ["maxLength", "length ≤"], ["minItems", "items ≥"], ["maxItems", "items ≤"],
    ["pattern", "matches"]];
  const found = words.filter(([name]) => schema[name] !== undefined).map(([name, word]) => `${word} ${schema[name]}`);
  if (schema.default !== undefined) found.push(`default ${JSON.stringify(schema.default)}`);
  return found.join(", ");
}

// The fields of an object, and of what is in it.
function fields(schema, seen = []) {
  if (typeof schema !== "object") return null;
  const name = schema.$ref;
  if (name && seen.includes(name)) return null;
  const inside = name ? [...seen, name] : seen;
  const value = resolve(schema);
  if (value.type === "array" || value.items) return fields(value.items ?? true, inside);
  const parts = value.anyOf || value.oneOf || value.allOf;
  if (parts) {
    const found = parts.map((part) => fields(part, inside)).filter(Boolean);
    return found.length ? make("div", {}, ...found) : null;
  }
  const properties = Object.entries(value.properties ?? {});
  if (!properties.length || inside.length > 6) return null;
  return make("div", { className: "fields" }, ...properties.map(([key, field]) => make("div", {},
    make("code", { textContent: key }), " ",
    make("span", { className: "type", textContent: [typeOf(field), limits(field)].filter(Boolean).join(", ") }),
    (value.required ?? []).includes(key) ? make("span", { className: "required", textContent: " required" }) : null,
    field.description ? prose(field.description, "quiet") : null,
    fields(field, inside))));
}

function sample(schema, depth = 0) {
  const value = resolve(schema);
  if (typeof value !== "object" || depth > 6) return null;
  if (value.examples && value.examples.length) return value.examples[0];
  for (const name of ["example", "default", "const"]) if (value[name] !== undefined) return value[name];
  if (value.enum) return value.enum[0];
  const choice = (value.anyOf || value.oneOf || [])[0];
  if (choice) return sample(choice, depth + 1);
  if (value.allOf) return Object.assign({}, ...value.allOf.map((part) => sample(part, depth + 1)));
  const kind = Array.isArray(value.type) ? value.type[0] : value.type;
  if (kind === "object" || value.properties) {
    return Object.fromEntries(Object.entries(value.properties ?? {})
      .map(([name, field]) => [name, sample(field, depth + 1)]));
  }
  if (kind === "array") return value.items ? [sample(value.items, depth + 1)] : [];
  if (kind === "integer" || kind === "number") return value.minimum ?? 0;
  if (kind === "boolean") return false;
  const texts = { date: "2026-01-31", "date-time": "2026-01-31T12:00:00Z", email: "ada@example.com",
    uuid: "3fa85f64-5717-4562-b3fc-2c963f66afa6", uri: "https://example.com" };
  return kind === "string" ? texts[value.format] ?? "text" : null;
}

function bodyOf(operation) {
  const body = resolve(operation.requestBody);
  const kind = ["application/json", ...FORMS].find((name) => body.content && name in body.content)
    ?? Object.keys(body.content ?? {})[0];
  return kind ? { kind, media: body.content[kind], schema: body.content[kind].schema ?? true, required: body.required } : null;
}

function parametersOf(item, operation) {
  return [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve);
}

function card(path, verb, item) {
  const operation = item[verb];
  const summary = make("summary", {},
    make("span", { className: `verb ${verb}`, textContent: verb.toUpperCase() }),
    make("span", { className: "path", textContent: path }),
    make("span", { className: `about${secured(operation) ? " lock" : ""}`, textContent: operation.summary ?? "" }));
  const element = make("details", { className: `operation${operation.deprecated ? " deprecated" : ""}`,
    id: operation.operationId ?? `${verb}${path}` }, summary);
  // The inside of a card is made when it is opened: a large document shows at once.
  element.addEventListener("toggle", () => {
    if (element.open && element.children.length === 1) element.append(inside(path, verb, item));
  });
  return element;
}

const secured = (operation) => (operation.security ?? api.security ?? []).some((one) => Object.keys(one).length);

function inside(path, verb, item) {
  const operation = item[verb];
  const parameters = parametersOf(item, operation);
  const body = bodyOf(operation);
  const holder = make("div", { className: "inside" }, prose(operation.description));
  if (parameters.length) {
    holder.append(make("h3", { textContent: "Parameters" }), make("table", {}, ...parameters.map((parameter) => make("tr", {},
      make("td", {}, make("code", { textContent: parameter.name }), " ",
        make("span", { className: "type", textContent: parameter.in }),
        parameter.required ? make("span", { className: "required", textContent: " required" }) : null),
      make("td", {}, make("span", { className: "type",
        textContent: [typeOf(parameter.schema), limits(resolve(parameter.schema))].filter(Boolean).join(", ") }),
        parameter.description ? prose(parameter.description) : null)))));
  }
  if (body) {
    holder.append(make("h3", { textContent: "Body" }), make("div", { className: "type",
      textContent: `${body.kind}: ${typeOf(body.schema)}${body.required ? "" : ", optional"}` }));
    const shown = fields(body.schema);
    if (shown) holder.append(shown);
  }
  holder.append(make("h3", { textContent: "Answers" }), ...Object.entries(operation.responses ?? {}).map(answer));
  holder.append(trial(path, verb, parameters, body));
  return holder;
}

function answer([status, given]) {
  const response = resolve(given);
  const [kind, media] = Object.entries(response.content ?? {})[0] ?? [];
  const shown = media && fields(media.schema ?? true);
  const details = make("details", { className: "answer" }, make("summary", {},
    make("span", { className: `status s${status[0]}`, textContent: status }), ` ${response.description ?? ""} `,
    kind ? make("span", { className: "type", textContent: `${kind}: ${typeOf(media.schema)}` }) : null));
  const headers = Object.entries(response.headers ?? {});
  details.append(make("div", {}, shown ?? "", ...headers.map(([name, header]) => make("div", {},
    make("code", { textContent: name }), ` ${resolve(header).description ?? ""}`))));
  return details;
}

function trial(path, verb, parameters, body) {
  const inputs = parameters.filter((parameter) => parameter.in !== "cookie").map((parameter) => {
    const schema = resolve(parameter.schema);
    const first = (parameter.examples ? Object.values(parameter.examples)[0]?.value : parameter.example) ?? schema.default;
    const input = make("input", { value: first ?? "", placeholder: typeOf(parameter.schema) });
    return { parameter, schema, input, row: make("label", {}, `${parameter.name} (${parameter.in})`, input) };
  });
  const rows = inputs.map(({ row }) => row);
  const parts = [];
  let text = null;
  if (body && FORMS.includes(body.kind)) {
    for (const [name, field] of Object.entries(resolve(body.schema).properties ?? {})) {
      const inner = resolve(field.type === "array" ? field.items : field);
      const input = make("input", isFile(inner) ? { type: "file", multiple: field.type === "array" } : {});
      parts.push({ name, input });
      rows.push(make("label", {}, `${name} (form)`, input));
    }
  } else if (body) {
    const example = body.media.example ?? Object.values(body.media.examples ?? {})[0]?.value ?? sample(body.schema);
    text = make("textarea", { spellcheck: false,
      value: body.kind === "application/json" ? JSON.stringify(example, null, 2) : "" });
    rows.push(make("label", {}, "Body", text));
  }
  const button = make("button", { textContent: "Send" });
  const copy = make("button", { className: "plain", textContent: "Copy as curl" });
  const output = make("div");
  const build = () => requestOf(path, verb, inputs, parts, text, body);
  button.addEventListener("click", async () => {
    button.disabled = true;
    const { url, init } = build();
    output.replaceChildren(...await send(url, init));
    button.disabled = false;
  });
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(curl(build(), parts));
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy as curl"; }, 1200);
  });
  return make("div", { className: "try" }, ...rows, make("div", { className: "row" }, button, copy), output);
}

function requestOf(path, verb, inputs, parts, text, body) {
  const headers = {};
  const query = new URLSearchParams();
  for (const { parameter, schema, input } of inputs) {
    const value = input.value;
    if (parameter.in === "path") {
      const encoded = parameter["x-waypost-catch-all"] ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);
      path = path.replace(`{${parameter.name}}`, encoded);
    } else if (value !== "" && parameter.in === "header") headers[parameter.name] = value;
    else if (value !== "") {
      for (const one of schema.type === "array" ? value.split(",") : [value]) query.append(parameter.name, one.trim());
    }
  }
  const token = byId("token").value;
  if (token) headers.Authorization = `Bearer ${token}`;
  const init = { method: verb.toUpperCase(), headers };
  if (parts.length) {
    init.body = new FormData();
    for (const { name, input } of parts) {
      if (input.type === "file") for (const file of input.files) init.body.append(name, file);
      else if (input.value !== "") init.body.append(name, input.value);
    }
  } else if (text && text.value !== "") {
    init.body = text.value;
    headers["Content-Type"] = body.kind.includes("*") ? "application/json" : body.kind;
  }
  return { url: document.body.dataset.base + path + (query.size ? `?${query}` : ""), init };
}

async function send(url, init) {
  const began = performance.now();
  try {
    const response = await fetch(url, init);
    const kind = response.headers.get("content-type") ?? "";
    let content = /json|text|xml|javascript|urlencoded/.test(kind) || !kind ? await response.text() : `${(await response.blob()).size} bytes of ${kind}`;
    const time = Math.round(performance.now() - began);
    if (kind.includes("json")) try { content = JSON.stringify(JSON.parse(content), null, 2); } catch { /* shown as it is */ }
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    return [make("div", {}, make("span", { className: `status s${String(response.status)[0]}`, textContent: response.status }),
      make("span", { className: "type", textContent: ` ${response.statusText} in ${time} ms` })),
    make("pre", { textContent: content }),
    make("details", {}, make("summary", { textContent: "Headers", className: "type" }), make("pre", { textContent: headers }))];
  } catch (error) {
    return [make("pre", { textContent: `No answer: ${error.message}` })];
  }
}

function curl({ url, init }, parts) {
  const quote = (word) => `'${word.replace(/'/g, "'\\''")}'`;
  const words = ["curl", "-X", init.method, quote(new URL(url, location.href).href)];
  for (const [name, value] of Object.entries(init.headers)) words.push("-H", quote(`${name}: ${value}`));
  if (parts.length) {
    for (const [name, value] of init.body) words.push("-F", quote(typeof value === "string" ? `${name}=${value}` : `${name}=@${value.name}`));
  } else if (init.body) words.push("--data-raw", quote(init.body));
  return words.join(" ");
}

function show() {
  const { title, version, description, summary } = api.info;
  document.title = `${title} – API`;
  byId("title").textContent = title;
  byId("version").textContent = version;
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths ?? {})) {
    for (const verb of VERBS.filter((name) => item[name])) {
      const tag = item[verb].tags?.[0] ?? "";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push({ path, verb, item, card: card(path, verb, item) });
    }
  }
  byId("main").replaceChildren(make("h1", { textContent: title }), prose(summary ?? ""), prose(description ?? ""));
  for (const [tag, entries] of groups) {
    const about = (api.tags ?? []).find(({ name }) => name === tag);
    const heading = make("h2", { textContent: tag });
    const links = make("div", {}, make("h2", { textContent: tag }));
    byId("main").append(heading, prose(about?.description, "quiet"));
    for (const { path, verb, card: element } of entries) {
      const link = make("a", { href: `#${element.id}`, title: path },
        make("span", { className: `verb ${verb}`, textContent: verb.toUpperCase() }), make("span", { textContent: path }));
      link.dataset.words = `${verb} ${path} ${element.textContent}`.toLowerCase();
      links.append(link);
      byId("main").append(element);
    }
    byId("index").append(links);
  }
  if (!groups.size) byId("main").append(prose("There are no operations yet: add `app/api/hello/route.py`."));
  open();
}

function open() {
  const target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
}

byId("search").addEventListener("input", ({ target }) => {
  const words = target.value.toLowerCase().split(/\s+/);
  for (const link of document.querySelectorAll("#index a")) {
    link.hidden = !words.every((word) => link.dataset.words.includes(word));
  }
});
addEventListener("keydown", (event) => {
  if (event.key === "/" && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    byId("search").focus();
  }
});
addEventListener("hashchange", open);
fetch(document.body.dataset.document).then((response) => response.json()).then((found) => { api = found; show(); })
  .catch((error) => byId("main").replaceChildren(make("p", { textContent: `The description can't be read: ${error.message}` })));
