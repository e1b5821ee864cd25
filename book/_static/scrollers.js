// A box that scrolls sideways must be reachable from the keyboard. Whether it scrolls is asked when it comes near,
// not of all boxes at once while the page opens.

{
  const near = new IntersectionObserver((seen) => {
    const boxes = seen.filter(({ isIntersecting }) => isIntersecting).map(({ target }) => target);
    const wide = boxes.map((box) => box.scrollWidth > box.clientWidth);
    boxes.forEach((box, i) => (wide[i] ? box.setAttribute("tabindex", 0) : box.removeAttribute("tabindex")));
  });
  document.querySelectorAll("article pre, article .cell_output > .output").forEach((box) => near.observe(box));
}
