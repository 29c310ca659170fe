/** Keys: all that can be done with a run, without a mouse. */

/** Do what a key says, unless it is typed into a field. */
export function onKey(view, event) {
  const { target, key } = event;
  const isTyped = target.closest("input, select, textarea");
  if (target.closest(".card")) return; // the browser puts it away
  if (key === "Escape") {
    if (isTyped) event.preventDefault(); // a search field would be emptied
    else if (view.opened.isOpen) view.opened.close();
    view.rows.element.focus({ preventScroll: true });
    return;
  }
  if (isTyped || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest("summary, .drill") || (key === "Enter" && target.closest("a, button"))) return;
  const keys = {
    ArrowDown: () => view.select((view.turn ?? -1) + 1),
    ArrowUp: () => view.select((view.turn ?? 1) - 1),
    Home: () => view.select(0),
    End: () => view.select(view.count() - 1),
    Enter: () => view.open(),
    "/": () => view.finding.input.focus(),
    "[": () => view.move(-1),
    "]": () => view.move(1),
  };
  if (!(key in keys)) return;
  event.preventDefault();
  keys[key]();
}
