// Brings the explorers of a page to life: a control gives a state, a state gives the slots their text.
// All pictures were drawn in Python (src/nexttoken/frames.py); nothing is computed here.

// Digits of base 92: the printable characters that JSON and HTML leave alone.
const DIGITS = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter((c) => !'"\\<'.includes(c)).join("");

function decode(column, count) {
  const width = column.length / count;
  const number = (digits) => [...digits].reduce((sum, digit) => sum * DIGITS.length + DIGITS.indexOf(digit), 0);
  return Array.from({ length: count }, (_, i) => number(column.slice(i * width, (i + 1) * width)));
}

function explorer(root) {
  const panel = root.querySelector(".controls");
  const all = [...panel.querySelectorAll("input, select")];
  const status = root.querySelector("[role=status]");
  let svg = root.querySelector("svg");
  let data; // read when a reader comes near, so that a page with many explorers is ready at once
  let inputs = [];
  let shown = -1; // the group whose elements are in the page
  let parts = [];
  let written = []; // what each slot holds
  let timer = 0;

  function open() {
    if (data) return;
    data = JSON.parse(root.querySelector("script").textContent);
    inputs = data.controls.map(([name]) => all.filter((input) => input.name === name + copy));
  }

  const read = ([first, ...rest]) => {
    if (first.type === "range") return Number(first.value);
    if (first.type === "checkbox") return Number(first.checked);
    return rest.length ? [first, ...rest].findIndex((radio) => radio.checked) : first.selectedIndex ?? 0;
  };

  const write = (all, index) => {
    const [first] = all;
    if (first.type === "range") first.value = index;
    else if (first.type === "checkbox") first.checked = index === 1;
    else if (first.type === "radio") all[index].checked = true;
    else first.selectedIndex = index;
  };

  function reset() {
    for (const input of all) {
      if (input.options) for (const option of input.options) option.selected = option.defaultSelected;
      else Object.assign(input, { checked: input.defaultChecked, value: input.defaultValue });
    }
  }

  function show() {
    open();
    const { controls, groups, where } = data;
    const indices = inputs.map(read);
    const state = indices.reduce((sum, index, i) => sum * controls[i][1].length + index, 0);
    const [group, place] = where?.[state] ?? [0, state];
    const { count, slots, words, svg: base } = groups[group];
    const rows = (groups[group].rows ??= groups[group].columns.map((column) => decode(column, count)));
    if (group !== shown) {
      if (shown >= 0 || base) {
        const holder = document.createElement("div");
        holder.innerHTML = base ?? root.first;
        root.first ??= svg.outerHTML;
        svg.replaceWith(holder.firstChild);
        svg = root.querySelector("svg");
      }
      parts = [svg, ...svg.querySelectorAll("*")];
      written = [];
      shown = group;
    }
    for (let i = 0; i < slots.length; i++) {
      const [part, attribute] = slots[i];
      let text = "";
      for (let k = 2; k < slots[i].length; k++) {
        const piece = slots[i][k];
        if (typeof piece === "string") text += piece;
        else if (piece.length === 1) text += words[rows[piece[0]][place]];
        else text += (rows[piece[0]][place] + piece[1]) / 10;
      }
      if (written[i] === text) continue;
      written[i] = text;
      if (attribute) parts[part].setAttribute(attribute, text);
      else parts[part].textContent = text;
    }
    inputs.forEach(([input], i) => {
      if (input.type !== "range") return;
      const label = controls[i][1][indices[i]].replace(/^-(?=\d)/, "−");
      input.parentElement.querySelector("output").textContent = label;
      input.setAttribute("aria-valuetext", label);
    });
  }

  function settle() {
    status.textContent = svg.getAttribute("aria-label");
    const state = data.controls.map(([name, labels], i) => [name, labels[read(inputs[i])]]);
    history.replaceState(null, "", "#" + new URLSearchParams(state));
  }

  function moved() {
    show();
    clearTimeout(timer);
    timer = setTimeout(settle, 700);
  }

  function follow(address) {
    open();
    const wanted = data.controls.map(([name, labels]) => labels.indexOf(address.get(name) ?? ""));
    wanted.forEach((index, i) => index >= 0 && write(inputs[i], index));
    const found = wanted.some((index) => index >= 0);
    if (found) show();
    return found;
  }

  // Two copies of one output share the names of their radio buttons: make each copy's own.
  const copy = `-${[...document.querySelectorAll(".explorer")].indexOf(root)}`;
  for (const input of all) input.name += copy;
  reset(); // a browser may have put old values back
  panel.hidden = panel.disabled = false;
  panel.addEventListener("input", moved);
  panel.querySelector("button").addEventListener("click", () => {
    reset();
    moved();
  });
  for (const near of ["pointerover", "focusin"]) root.addEventListener(near, show, { once: true });
  return follow;
}

const explorers = [];
for (const root of document.querySelectorAll(".explorer")) {
  setTimeout(() => explorers.push([root, explorer(root)])); // one by one: a reader's click is heard in between
}

function followAddress() {
  if (location.hash.length < 2) return;
  const address = new URLSearchParams(location.hash.slice(1));
  explorers.filter(([, follow]) => follow(address))[0]?.[0].scrollIntoView({ block: "center" });
}

setTimeout(followAddress);
addEventListener("hashchange", followAddress);
