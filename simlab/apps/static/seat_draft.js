/** What is half typed, kept by the browser while its tab is open: a page that is loaded anew has it. */

const INPUTS = "textarea, input";

const nameOf = (key) => `${location.pathname} ${key.split("-")[1]}`;

/** Keep what stands in a form. */
export function keep(form, key) {
  const held = [...form.querySelectorAll(INPUTS)].map((each) => (isChosen(each) ? each.checked : each.value));
  sessionStorage.setItem(nameOf(key), JSON.stringify(held));
}

/** Put into a form what was kept of it. */
export function restore(form, key) {
  const held = JSON.parse(sessionStorage.getItem(nameOf(key)) ?? "[]");
  const inputs = [...form.querySelectorAll(INPUTS)];
  if (held.length !== inputs.length) return;
  inputs.forEach((each, place) => put(each, held[place]));
}

/** Keep nothing of a form: it was answered, or is asked no more. */
export function drop(key) {
  sessionStorage.removeItem(nameOf(key));
}

const isChosen = (input) => input.type === "radio" || input.type === "checkbox";

function put(input, held) {
  if (isChosen(input)) {
    if (held !== input.checked) input.click();
  } else if (held && held !== input.value) {
    input.value = held;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
