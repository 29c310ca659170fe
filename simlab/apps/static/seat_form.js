/** The form, which Gradio makes: has it made anew for a new question, and sends it by keyboard. */

import { drop, keep, restore } from "./seat_draft.js";
import { OVER, seat } from "./seat_state.js";

const LOOK_MS = 200;
const AGAIN_MS = 4000; // a form that is made twice forgets what was typed between
const field = (id) => document.querySelector(`#${id} textarea, #${id} input`);
const button = (id) => document.querySelector(`button#${id}, #${id} button`);
const room = () => document.getElementById("seat-form");

let wanted = "";
let filled = "";
let boot = "";
let pressed = { id: "", key: "", at: 0 };

/** Let the form be the one of the question, and closed while nobody is asked. */
export function followForm() {
  document.addEventListener("keydown", sendByKey);
  document.addEventListener("input", () => filled && keep(room(), filled));
  seat.listen(({ told }) => {
    if (!told) return;
    if (boot && boot !== told.boot) location.reload(); // Gradio has forgotten the form it made
    boot = told.boot;
    const key = told.question?.key ?? "";
    if (wanted && key !== wanted && ["waiting", "turn"].includes(told.state)) drop(wanted);
    wanted = key;
    want();
  });
  setInterval(() => seat.told && want(), LOOK_MS); // until Gradio is there, and has done it
}

/** A form in whose place another is put keeps what was typed: so the old one is taken away first. */
function want() {
  const leave = button("seat-leave");
  if (!room() || !leave) return;
  const made = field("seat-asked")?.value.split(" ")[1] ?? "";
  const isThere = Boolean(button("seat-send"));
  if (wanted && made && made !== wanted) press("seat-clear");
  else if (wanted && !made && !isThere) press("seat-ask");
  if (made === wanted && isThere) begin(made);
  else filled = "";
  room().inert = seat.told.state !== "turn" || filled !== wanted || Boolean(seat.trouble);
  leave.disabled = seat.told.state === "away";
  for (const part of [room(), leave]) part.style.display = OVER.includes(seat.told.state) ? "none" : "";
}

/** Press a hidden button once for a question, and again if nothing comes of it for long. */
function press(id) {
  const at = performance.now();
  if (pressed.id === id && pressed.key === wanted && at < pressed.at + AGAIN_MS) return;
  if (!button(id)) return;
  pressed = { id, key: wanted, at };
  button(id).click();
}

function begin(key) {
  if (filled === key) return;
  for (const input of room().querySelectorAll(".number input")) input.inputMode = "decimal";
  restore(room(), key);
  filled = key;
}

/** Ctrl+Enter sends from anywhere in the form, Enter from where it begins no new line. */
function sendByKey(event) {
  if (event.key !== "Enter" || event.isComposing || event.shiftKey) return;
  if (!event.target.closest?.("#seat-form")) return;
  const isLine = event.target.matches("input:not([role=listbox])");
  if (!isLine && !event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  button("seat-send")?.click();
}
