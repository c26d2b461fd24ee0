// What a page does beyond HTML and htmx: tick boxes, the order in which they were ticked, one send
// for a double click. Every page works without it.
"use strict";
(() => {
  const ticks = () => [...document.querySelectorAll('input[name="id"]')];
  const ticked = []; // ids, in the order in which they were ticked

  function note(box) {
    const at = ticked.indexOf(box.value);
    if (box.checked && at < 0) ticked.push(box.value);
    if (!box.checked && at >= 0) ticked.splice(at, 1);
  }

  function show() {
    const boxes = ticks();
    const on = boxes.filter((box) => box.checked).length;
    const all = document.getElementById("tick-all");
    if (all) {
      all.checked = on > 0 && on === boxes.length;
      all.indeterminate = on > 0 && on < boxes.length;
    }
    const count = document.getElementById("ticked-count");
    if (count) count.textContent = on;
  }

  function restart() {
    const boxes = ticks();
    const here = new Set(boxes.map((box) => box.value));
    for (let at = ticked.length - 1; at >= 0; at--) if (!here.has(ticked[at])) ticked.splice(at, 1);
    boxes.forEach(note);
    show();
  }

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.id === "tick-all") {
      for (const each of ticks()) {
        each.checked = box.checked;
        note(each);
      }
    } else if (box.name === "id") {
      note(box);
      const chosen = document.querySelector('input[name="scope"][value="ticked"]');
      if (chosen) chosen.checked = true;
    }
    show();
  });

  // The server refuses a second send as well; this spares the question.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const sequence = form.querySelector('input[name="sequence"]');
    if (sequence) sequence.value = ticked.join(",");
    if (event.defaultPrevented || form.method !== "post") return;
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
  });
  // A page that comes back from the browser's memory can be sent again. It is loaded anew, unless that would lose
  // what somebody typed.
  addEventListener("pageshow", (event) => {
    const fields = [...document.querySelectorAll("main input:not([type=hidden]), main textarea")];
    const typed = fields.some((field) => field.value !== field.defaultValue);
    if (event.persisted && !typed) return location.reload();
    if (event.persisted) document.querySelectorAll("main button").forEach((button) => (button.disabled = false));
    restart();
  });
  document.addEventListener("htmx:afterSwap", restart);

  // What a test or a trial said is about fields as they were.
  document.addEventListener("input", (event) => {
    event.target.closest("section")?.querySelectorAll("[data-of-this-section]").forEach((said) => said.replaceChildren());
  });

  // A request whose answer is not ours may have been carried out: no earlier success stays beside it, and nothing
  // that came instead takes the place of a row.
  const RETRY = 3000; // milliseconds; as long as the browser's own pause before it connects to an event stream again
  const notices = () => document.getElementById("notices");
  const line = () => document.getElementById("line");

  function say(where, words) {
    const said = document.createElement("p");
    said.className = "notice doubt";
    said.textContent = words;
    where?.replaceChildren(said);
    // Whoever pressed a button further down has to see it.
    said.scrollIntoView({ block: "nearest" });
  }

  function failed(event, words) {
    const finished = event.detail.elt;
    if (finished?.id !== "finished") return say(notices(), words);
    // It only reads, so it is tried again.
    say(line(), line()?.dataset.lost);
    setTimeout(() => htmx.trigger(finished, "sse:finished"), RETRY);
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb !== "get") notices()?.replaceChildren();
  });
  document.addEventListener("htmx:sendError", (event) => failed(event, notices()?.dataset.unreachable));
  document.addEventListener("htmx:timeout", (event) => failed(event, notices()?.dataset.noAnswer));
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { status } = event.detail.xhr;
    // The platform's own refusals say where they belong.
    if (status < 400 || event.detail.xhr.getResponseHeader("HX-Retarget")) return;
    event.detail.shouldSwap = false;
    failed(event, notices()?.dataset.badAnswer.replace("{0}", `HTTP ${status}`));
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) location.reload();
  });
  document.addEventListener("htmx:sseError", () => say(line(), line()?.dataset.lost));
  document.addEventListener("htmx:sseOpen", () => line()?.replaceChildren());
})();
