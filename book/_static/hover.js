// Shows what a term means, or where a citation leads, beside the word that is pointed at or focused.
// The texts stand in the page's templates. Escape, or going elsewhere, takes them away.

{
  const tip = Object.assign(document.createElement("div"), { id: "hover", role: "tooltip", popover: "manual" });
  document.querySelector("main").append(tip);
  let timer = 0;

  const hide = () => {
    clearTimeout(timer);
    document.querySelector("[aria-describedby=hover]")?.removeAttribute("aria-describedby");
    tip.hidePopover();
  };

  const show = (link, text) => {
    hide();
    tip.replaceChildren(text.content.cloneNode(true));
    link.setAttribute("aria-describedby", "hover");
    tip.showPopover();
    const word = link.getClientRects()[0]; // a link may break over two lines
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const above = word.bottom + tip.offsetHeight > innerHeight;
    tip.style.left = `${Math.max(8, Math.min(word.left, room))}px`;
    tip.style.top = `${above ? word.top - tip.offsetHeight : word.bottom}px`;
  };

  const soon = (task, wait) => {
    clearTimeout(timer);
    timer = setTimeout(task, wait);
  };

  for (const text of document.querySelectorAll("template[data-for]")) {
    for (const link of document.querySelectorAll(`article a[href="${text.dataset.for}"]`)) {
      link.removeAttribute("title"); // the browser would show it beside the text
      link.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && soon(() => show(link, text), 150));
      link.addEventListener("pointerleave", () => soon(hide, 250));
      link.addEventListener("focus", () => link.matches(":focus-visible") && show(link, text));
      link.addEventListener("blur", hide);
    }
  }
  tip.addEventListener("pointerenter", () => clearTimeout(timer)); // the text may be pointed at, too
  tip.addEventListener("pointerleave", () => soon(hide, 250));
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
}
