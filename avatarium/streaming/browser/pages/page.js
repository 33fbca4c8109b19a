// What both pages need: elements, messages, the theme, and calls to the API.

const PREFIX = "/api/v1/";

export const $ = (id) => document.getElementById(id);

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined && value !== null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// A browser may refuse storage to a page; then things are remembered until it is left.
export function remembered(storage, name) {
  try {
    return window[storage].getItem(name) || "";
  } catch {
    return "";
  }
}

export function remember(storage, name, value) {
  try {
    if (value) window[storage].setItem(name, value);
    else window[storage].removeItem(name);
  } catch {
    // Nothing is lost but convenience.
  }
}

export function useTheme(button) {
  const root = document.documentElement;
  root.dataset.theme = remembered("localStorage", "theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  button.addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    remember("localStorage", "theme", root.dataset.theme);
  });
}

export function toast(words, { bad = true, forMs = 9000 } = {}) {
  const box = $("toasts");
  const node = el("div", { class: bad ? "toast bad" : "toast" }, el("span", {}, words));
  node.append(el("button", { type: "button", "aria-label": "Close this message", onclick: () => node.remove() }, "×"));
  while (box.children.length > 2) box.firstElementChild.remove();
  box.append(node);
  setTimeout(() => node.remove(), forMs);
}

export class ApiError extends Error {
  constructor(status, answer) {
    super(answer.message || answer.msg || `The server answered with status ${status}.`);
    this.status = status;
    this.reason = answer.reason || "";
    this.data = answer.data || null;
  }
}

export class Api {
  constructor(key) {
    this.key = key;
  }

  get(path, query = {}) {
    const text = new URLSearchParams(query).toString();
    return this.call("GET", text ? `${path}?${text}` : path);
  }

  post(path, body = {}, options = {}) {
    return this.call("POST", path, body, options);
  }

  async call(method, path, body, { keepalive = false } = {}) {
    const headers = { Authorization: `Bearer ${this.key}` };
    if (body) headers["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(PREFIX + path, { method, headers, body: body && JSON.stringify(body), keepalive });
    } catch {
      throw new ApiError(0, { message: "The server cannot be reached. Check your connection and try again." });
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok || answer.code) throw new ApiError(response.status, answer);
    return answer.data;
  }
}

export function minutes(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
