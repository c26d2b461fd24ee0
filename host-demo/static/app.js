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
  // A page that comes back from the browser's memory can be sent again.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
    else restart();
  });

  document.addEventListener("htmx:afterSwap", restart);
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) location.reload();
  });
})();
